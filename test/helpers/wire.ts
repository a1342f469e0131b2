/** Reading answers in tests: JSON without its type, and event streams. */

/** Parsed JSON as tests look at it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

export async function json(response: Response): Promise<Json> {
  return response.json();
}

/** The JSON of each `data:` line of an event stream; `[DONE]` as it is. */
export async function readEvents(response: Response): Promise<Json[]> {
  const lines = (await response.text()).split('\n').filter((l) => l.startsWith('data:'));
  return lines.map((l) => l.slice(5).trim()).map((data) => (data === '[DONE]' ? data : JSON.parse(data)));
}
