/** Shorter values stand in too many other words to be taken out of a text. */
const shortest = 4

/** A function that replaces each of these values in a text by `***`, also where it is written as Go quotes it. */
export function redactor(values: readonly string[]): (text: string) => string {
  const forms = values.flatMap(value => [
    value,
    value.trim(),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(value.trim()).slice(1, -1),
  ])
  // The longest first: one value may stand within another.
  const known = [...new Set(forms)]
    .filter(form => form.trim().length >= shortest)
    .sort((one, other) => other.length - one.length)
  return text => known.reduce((rest, form) => rest.replaceAll(form, '***'), text)
}
