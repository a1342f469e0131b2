/** The Python environment of test/e2e/python. `npm test` makes it and names its interpreter in DAWNLIGHT_TEST_PYTHON. */
export const python = process.env['DAWNLIGHT_TEST_PYTHON'] ?? '';

/** Why tests that need it cannot run (never under `npm test`, where a missing one is a failure). */
export const withoutPython = python !== '' ? false : 'not set: DAWNLIGHT_TEST_PYTHON; npm test makes the environment';
