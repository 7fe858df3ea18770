/**
 * Lists of the head office, which the server searches, sorts and pages, and what it edits.
 *
 * An edit sends the version that it began with (If-Match); the server refuses it (412) when somebody else was faster.
 */
import type { Api } from '../base/api'

/** Rows on a page. */
export const PER_PAGE = 20

export interface ListQuery {
  /** Words to search for. */
  q: string
  /** A column's key; with `-` in front, descending; empty for the list's own order. */
  sort: string
  /** From 1. */
  page: number
  per_page: number
  /** Further query parameters; empty ones are left out. */
  filters: Record<string, string>
}
export interface ListPage<Row> {
  rows: Row[]
  total: number
}
/** What can be edited. */
export interface Versioned {
  id: string
  version: number
}

export const FIRST_PAGE: ListQuery = { q: '', sort: '', page: 1, per_page: PER_PAGE, filters: {} }

/** The query string of a list, with `?` in front. */
export function searchOf(query: ListQuery): string {
  const params = new URLSearchParams({ page: String(query.page), per_page: String(query.per_page) })
  const words = query.q.trim()
  if (words) params.set('q', words)
  if (query.sort) params.set('sort', query.sort)
  for (const [name, value] of Object.entries(query.filters)) if (value) params.set(name, value)
  return `?${params}`
}

/** The next order of a column: ascending, descending, the list's own. */
export function nextSort(sort: string, key: string): string {
  if (sort === key) return `-${key}`
  return sort === `-${key}` ? '' : key
}

/** How many pages `total` rows fill, at least one. */
export function pagesOf(total: number, per_page: number): number {
  return Math.max(1, Math.ceil(total / per_page))
}

/** One kind of thing of the head office: `/api/hq/estates` and what is below. */
export class Resource<Row extends Versioned, Draft> {
  constructor(
    private readonly api: Api,
    private readonly path: string,
  ) {}

  list = (query: ListQuery) => this.api.get<ListPage<Row>>(this.path + searchOf(query))
  get = (id: string) => this.api.get<Row>(this.#of(id))
  create = (draft: Draft) => this.api.send<Row>('POST', this.path, draft)
  update = (id: string, version: number, draft: Partial<Draft>) =>
    this.api.send<Row>('PATCH', this.#of(id), draft, { 'If-Match': `"${version}"` })
  remove = (id: string, version: number) =>
    this.api.send<unknown>('DELETE', this.#of(id), undefined, { 'If-Match': `"${version}"` })

  #of(id: string): string {
    return `${this.path}/${encodeURIComponent(id)}`
  }
}
