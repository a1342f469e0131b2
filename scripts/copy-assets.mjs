// Copies what tsc does not emit (WGSL kernels, UI pages) from src/ to dist/, keeping folders.
import { cpSync } from 'node:fs';
import { extname } from 'node:path';
import { statSync } from 'node:fs';

const assets = new Set(['.wgsl', '.html', '.css', '.svg', '.js']);
cpSync('src', 'dist', { recursive: true, filter: (path) => statSync(path).isDirectory() || assets.has(extname(path)) });
