/** The `Link` headers of an answer (RFC 8288), as far as servers of WHIP and WHEP write them. */

const LINK = /<([^>]+)>((?:\s*;\s*[\w-]+="[^"]*")*)/g
const PARAMETER = /([\w-]+)="([^"]*)"/g

export interface Link {
  url: string
  parameters: Map<string, string>
}

/** The links of a header with the relation `rel`; what cannot be read is left out. */
export function linksOf(header: string | null, rel: string): Link[] {
  return [...(header ?? '').matchAll(LINK)]
    .map(([, url = '', tail = '']) => ({
      url,
      parameters: new Map([...tail.matchAll(PARAMETER)].map(([, name = '', value = '']) => [name, value])),
    }))
    .filter((link) => link.parameters.get('rel') === rel)
}
