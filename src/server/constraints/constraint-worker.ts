/** Entry of the workers that turn schemas, expressions and tools into grammars. */
import { serveTasks } from '../workers/serve-tasks.ts';
import { makeConstraint, type ConstraintTask } from '../../text/answer/make-constraint.ts';

serveTasks(
  ({ template }: { readonly template: string }) =>
    (task: string) =>
      makeConstraint(JSON.parse(task) as ConstraintTask, template),
);
