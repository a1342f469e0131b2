/** The probe process of adapter-report.ts: opens a device, then prints one line of JSON. */
import { openGpu } from '../../gpu/device.ts';
import { describeAdapter } from './describe-adapter.ts';

try {
  const report = await describeAdapter(await openGpu({ validation: false }));
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
} catch (error) {
  const { message, cause } = error as Error;
  const detail = cause instanceof Error ? `${message} (${cause.message.split('\n')[0]})` : message;
  process.stderr.write(`${detail}\n`, () => process.exit(1));
}
