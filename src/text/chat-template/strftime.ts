/** Python's strftime in the C locale, as chat templates use it (`strftime_now('%d %b %Y')`); unknown codes stay. */
const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

export function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const codes: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    B: () => months[date.getMonth()],
    b: () => months[date.getMonth()].slice(0, 3),
    d: () => two(date.getDate()),
    A: () => days[date.getDay()],
    a: () => days[date.getDay()].slice(0, 3),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    e: () => String(date.getDate()).padStart(2),
    h: () => months[date.getMonth()].slice(0, 3),
    j: () => String(Math.round((midnight(date) - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000)).padStart(3, '0'),
    f: () => String(date.getMilliseconds() * 1000).padStart(6, '0'),
    u: () => String(date.getDay() || 7),
    w: () => String(date.getDay()),
    F: () => strftime(date, '%Y-%m-%d'),
    T: () => strftime(date, '%H:%M:%S'),
    R: () => strftime(date, '%H:%M'),
    '%': () => '%',
  };
  return format.replace(/%(-?)([A-Za-z%])/g, (code, unpadded: string, letter: string) => {
    const value = codes[letter]?.();
    return value === undefined ? code : unpadded ? value.replace(/^0(?=.)/, '') : value;
  });
}

/** The date's day in UTC, which has no changes to and from summer time. */
function midnight(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
}
