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
    '%': () => '%',
  };
  return format.replace(/%(-?)([A-Za-z%])/g, (code, unpadded: string, letter: string) => {
    const value = codes[letter]?.();
    return value === undefined ? code : unpadded ? value.replace(/^0(?=.)/, '') : value;
  });
}
