import { declare } from '../helpers/declare.ts';

export const spec = declare({
  name: 'router',
  measures: 'two replicas behind sglang-router: chat, stream and tools, prefix affinity, a replica killed under load',
  more: 'The router comes from PyPI into Dawnlight’s cache. Exit code 1 when a check is not as it should be.',
  flags: {},
  examples: [''],
});
