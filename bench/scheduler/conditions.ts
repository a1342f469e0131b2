/**
 * Under what rules the policies are compared: on our engine as it is, and on one like the servers of the Past-Future
 * paper's artifact (github.com/WuSiYu/lightllm-ae), with the two differences also taken one at a time.
 */
export interface Condition {
  readonly name: string;
  readonly about: string;
  /**
   * ours: prefix cache, so that a paused request finds what was not evicted, and prompts in chunks beside decoding.
   * plain: a paused request is computed again from its first token, and a prompt is one step in which everybody waits.
   */
  readonly engine: 'ours' | 'plain';
  /**
   * What happens to a request whose later token is late. stop: it is given up at that moment. finish: it runs to its end,
   * takes up slots and steps, and counts for nothing; so it is in the artifact's aggressive server, where the abort is
   * switched off. Either way it is then sent again, and one that waits too long for its first token is given up.
   */
  readonly late: 'stop' | 'finish';
}

export const conditions: readonly Condition[] = [
  { name: 'ours', about: 'our engine; late requests are given up', engine: 'ours', late: 'stop' },
  { name: 'artifact', about: 'plain engine; late requests run to their end', engine: 'plain', late: 'finish' },
  { name: 'ours-finish', about: 'our engine; late requests run to their end', engine: 'ours', late: 'finish' },
  { name: 'plain-stop', about: 'plain engine; late requests are given up', engine: 'plain', late: 'stop' },
];
