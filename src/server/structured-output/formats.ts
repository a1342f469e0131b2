/** JSON Schema's string formats as patterns; each allows a subset of its standard that any checker accepts. */
const month31 = '(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])';
const month30 = '(0[469]|11)-(0[1-9]|[12]\\d|30)';
const date = `\\d{4}-(${month31}|${month30}|02-(0[1-9]|1\\d|2[0-8]))`;
const time = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)';
const host = '([a-z0-9]{1,20}(-[a-z0-9]{1,20})?\\.){1,3}[a-z]{2,10}';
const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

export const formatPatterns: Readonly<Record<string, string>> = {
  date: `^${date}$`,
  time: `^${time}$`,
  'date-time': `^${date}T${time}$`,
  uuid: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  ipv4: `^${byte}(\\.${byte}){3}$`,
  hostname: `^${host}$`,
  email: `^[a-z0-9]{1,20}([._-][a-z0-9]{1,20})?@${host}$`,
  uri: `^https?://${host}(/[A-Za-z0-9._~-]*)*$`,
  duration: '^P([1-9]\\d{0,3}D(T[1-9]\\d{0,3}[HMS])?|T[1-9]\\d{0,3}[HMS]|[1-9]\\d{0,3}[YMW])$',
};
