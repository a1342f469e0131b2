// What `node --import` loads to run TypeScript: tsx, in worker threads too, where `--import tsx` alone does nothing on Node 20.
import { register } from 'tsx/esm/api';

register();
