// What `node --import` loads to run TypeScript, in worker threads and child processes too: types become blanks, so that lines
// and columns are those of the source (no source map is needed), and what was blanked once is kept in node_modules/.cache.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
