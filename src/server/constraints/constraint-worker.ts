/** Entry of the workers that turn schemas, expressions and tools into grammars. */
import { workerData } from 'node:worker_threads';
import { serveTasks } from '../workers/serve-tasks.ts';
import { makeConstraint, type ConstraintTask } from './make-constraint.ts';

const { template } = workerData as { readonly template: string };

serveTasks((task: string) => makeConstraint(JSON.parse(task) as ConstraintTask, template));
