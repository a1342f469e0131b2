/** Lists of requests in order of arrival. */
import type { EngineRequest } from './engine-request.ts';

export function insertByArrival(list: EngineRequest[], request: EngineRequest): void {
  const index = list.findIndex((other) => other.arrivalIndex > request.arrivalIndex);
  list.splice(index < 0 ? list.length : index, 0, request);
}

export function remove(list: EngineRequest[], request: EngineRequest): void {
  const index = list.indexOf(request);
  if (index >= 0) list.splice(index, 1);
}
