// Copies what tsc does not emit (WGSL kernels, UI pages) from src/ to the build: `node scripts/copy-assets.mjs [TARGET=dist]`.
import { cpSync, statSync } from 'node:fs';
import { extname } from 'node:path';

const assets = new Set(['.wgsl', '.html', '.css', '.svg', '.js']);
const filter = (path) => statSync(path).isDirectory() || assets.has(extname(path));
cpSync('src', process.argv[2] ?? 'dist', { recursive: true, filter });
