// The line that `bench -- scaling` sets beside its times.
import t from 'tap';
import { fitLine } from '../../bench/scaling/fit.ts';

const near = (found: number, wanted: number) => Math.abs(found - wanted) < 1e-9;

t.test('times on a line are the line', (t) => {
  const points = [100, 200, 1000].map((counted) => ({ counted, ms: 5 + counted / 50 }));
  const { fixedMs, msPerUnit, worst } = fitLine(points);
  t.ok(near(fixedMs, 5) && near(msPerUnit, 1 / 50) && near(worst, 0), `${fixedMs} ${msPerUnit} ${worst}`);
  t.end();
});

t.test('a time beside it shows, short or long', (t) => {
  const points = [1, 10, 100, 1000, 10000].map((counted) => ({ counted, ms: 10 + counted }));
  for (const i of points.keys()) {
    const off = points.map((point, at) => (at === i ? { ...point, ms: 1.5 * point.ms } : point));
    t.ok(fitLine(off).worst > 0.1, `${points[i].counted}: ${fitLine(off).worst}`);
  }
  t.end();
});

t.test('one point, and several in one place, say nothing of growth', (t) => {
  t.same(fitLine([{ counted: 7, ms: 3 }]), { fixedMs: 3, msPerUnit: 0, worst: 0 });
  t.equal(fitLine([2, 2].map((ms) => ({ counted: 7, ms }))).msPerUnit, 0);
  t.end();
});
