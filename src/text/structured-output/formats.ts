/** JSON Schema's string formats as regular expressions; each allows a subset of its standard that any checker accepts. */
const month31 = '(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])';
const month30 = '(0[469]|11)-(0[1-9]|[12]\\d|30)';
const date = `\\d{4}-(${month31}|${month30}|02-(0[1-9]|1\\d|2[0-8]))`;
const time = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)';
const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const group = '[0-9a-f]{1,4}';

/** Formats whose texts have a longest one. */
const fixed: Readonly<Record<string, string>> = {
  date,
  time,
  'date-time': `${date}T${time}`,
  duration: 'P([1-9]\\d{0,3}D(T[1-9]\\d{0,3}[HMS])?|T[1-9]\\d{0,3}[HMS]|[1-9]\\d{0,3}[YMW])',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  ipv4: `${byte}(\\.${byte}){3}`,
  ipv6: `(${group}:){7}${group}|::(${group}(:${group}){0,5})?|${group}::(${group}(:${group}){0,4})?`,
};

/** Formats of any length. @param limit characters that one of their parts may have; null: any number */
function ofAnyLength(limit: number | null): Readonly<Record<string, string>> {
  const any = limit === null ? '*' : `{0,${limit}}`;
  const few = limit === null ? '*' : '{0,3}';
  const label = `[a-z0-9]{1,${limit ?? 20}}`;
  const host = `(${label}(-${label})?\\.){1,${limit === null ? 3 : 1}}[a-z]{2,10}`;
  const email = `${label}([._-]${label})?@${host}`;
  const path = `/[A-Za-z0-9._~-]${any}`;
  const uri = `https?://${host}(${path})${few}`;
  const reference = `(${uri}|(${path})${limit === null ? '+' : '{1,3}'})`;
  const pointer = `(/([^/~\\x00-\\x1f]|~[01])${any})${few}`;
  return {
    ...{ hostname: host, 'idn-hostname': host, email, 'idn-email': email, uri, url: uri, iri: uri },
    ...{
      'uri-reference': reference,
      'iri-reference': reference,
      'uri-template': `${reference}(\\{[a-z]{1,${limit === null ? 20 : 5}}\\})?`,
    },
    ...{ 'json-pointer': pointer, 'relative-json-pointer': `(0|[1-9]\\d{0,3})(#|${pointer})` },
    regex: `[\\w ]${any}`,
    byte: `([A-Za-z0-9+/]{4})${any}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?`,
  };
}

/**
 * The regular expression of a format's whole texts; null for a format that is not known, which says nothing.
 * @param maxLength where it is given, shorter parts are chosen, so that few of the texts or none are too long
 */
export function formatPattern(format: string, maxLength: number | null): string | null {
  if (Object.hasOwn(fixed, format)) return fixed[format];
  const limit = maxLength === null ? null : Math.min(20, Math.max(1, Math.floor(maxLength / 10)));
  const patterns = ofAnyLength(limit);
  return Object.hasOwn(patterns, format) ? patterns[format] : null;
}
