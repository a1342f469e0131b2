// The browser that test/server/docs.test.ts opens /docs with.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { built, installWithApt, root, run } from './setup.mjs';

const names = ['chromium', 'google-chrome', 'google-chrome-stable'].map((name) => `/usr/bin/${name}`);

/** The system's, or the one that playwright has installed; null where there is none. */
async function findChromium() {
  const { chromium } = await import('playwright-core');
  // Ubuntu's chromium-browser is a script that wants snap.
  const more = [(await isUbuntu()) ? '/snap/bin/chromium' : '/usr/bin/chromium-browser', chromium.executablePath()];
  return [...names, ...more].find(existsSync) ?? null;
}

async function isUbuntu() {
  const { readOsRelease } = await built('commands/doctor/vulkan-driver.js');
  return readOsRelease().id === 'ubuntu';
}

/** Its path. Where there is none, Debian's is installed; on Ubuntu, whose archive has a script that wants snap, playwright's. */
export async function ensureChromium() {
  const found = await findChromium();
  if (found !== null) return found;
  if (await isUbuntu()) {
    const playwright = join(root, 'node_modules', 'playwright-core', 'cli.js');
    console.error('Missing: chromium, with which a test opens the reference page. Installing that of playwright');
    await run(process.execPath, [playwright, 'install', '--with-deps', 'chromium'], { quiet: true });
  } else await installWithApt('chromium', 'chromium, with which a test opens the reference page');
  return (await findChromium()) ?? '';
}
