// The browser that test/server/docs.test.ts opens /docs with.
import { existsSync } from 'node:fs';
import { installWithApt } from './setup.mjs';

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Debian's chromium where there is none. */
export async function ensureChromium() {
  if (!paths.some(existsSync)) await installWithApt('chromium', 'chromium, with which a test opens the reference page');
}
