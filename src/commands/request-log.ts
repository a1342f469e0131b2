/** One line a request when it ends: how long it waited, to its first token, in all. */
import { subscribe } from 'node:diagnostics_channel';
import type { RequestReport } from '../engine/client/messages.ts';
import { logEntry } from '../server/http/log.ts';

/** @param write gets lines with their newline */
export function logRequests(write: (line: string) => void): void {
  subscribe('dawnlight:request', (report) => write(`${requestLine(report as RequestReport)}\n`));
}

function requestLine(report: RequestReport): string {
  const { promptTokens, cachedTokens, completionTokens, queueTime, timeToFirstToken, totalTime } = report;
  const times = [
    queueTime === null ? 'never ran' : `waited ${milliseconds(queueTime)}`,
    ...(timeToFirstToken === null ? [] : [`first token ${milliseconds(timeToFirstToken)}`]),
    `all ${milliseconds(totalTime)}`,
    ...(timeToFirstToken === null || completionTokens < 2 ? [] : [speed(report, timeToFirstToken)]),
    ...(report.pauses === 0 ? [] : [`paused ${report.pauses}×`]),
  ];
  const tokens = `${promptTokens} (${cachedTokens} cached) + ${completionTokens} tokens`;
  const end = report.error === null ? report.finishReason : `${report.finishReason} (${logEntry(report.error)})`;
  return `request ${logEntry(report.requestId)}: ${tokens}, ${end}; ${times.join(', ')}`;
}

function milliseconds(time: number): string {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`;
}

/** Of the tokens behind the first. */
function speed({ completionTokens, totalTime }: RequestReport, timeToFirstToken: number): string {
  return `${(((completionTokens - 1) / (totalTime - timeToFirstToken)) * 1000).toFixed(1)} tok/s`;
}
