/**
 * The HTTP interface over an injected fetch.
 *
 *   ApiError
 *   ├── Unreachable   no answer came
 *   └── Refused       the server said no: status, problem type, Retry-After
 */
import type { AtMs, Card, Order, Product, StoreOrder } from './wire'
import type {
  Estate,
  Guest,
  LiveStats,
  LiveSummary,
  Restream,
  Room,
  Staff,
  Store,
  StoreBoard,
  StreamKey,
} from './bodies'

/** Longest wait for an answer, ms. */
export const REQUEST_TIMEOUT_MS = 12_000
/** The same for a file that is sent, ms. */
const FILE_TIMEOUT_MS = 60_000
const PROBLEM_PREFIX = 'urn:linli:problem:'

export class ApiError extends Error {}

export class Unreachable extends ApiError {
  override name = 'Unreachable'
}

export class Refused extends ApiError {
  override name = 'Refused'

  constructor(
    readonly status: number,
    /** Problem type without its prefix, `''` when the answer was no problem document. */
    readonly kind: string,
    readonly detail: string,
    readonly retry_after_ms: number,
    readonly extra: Record<string, unknown>,
  ) {
    super(`${status} ${kind}`)
  }
}

export interface PlaceLine {
  product_id: string
  quantity: number
  price_fen: number
}
export type PlaceOrder = {
  room_id: string
  product_id: string
  group_id?: string
  quantity: number
  /** What the buyer saw for one; at another price the order is refused. */
  price_fen: number
  /** Several goods in one order; product, quantity and price above are then not sent. */
  lines?: PlaceLine[]
  /** `pickup` when it is left out. */
  fulfilment?: 'delivery'
  /** Bought in this flash sale or not at all. */
  flash_id?: string
  coupon_id?: string
  coupon_code?: string
  /** Placed as an order at each of two stores, or not at all. */
  halves?: Half[]
}
/** The products that one of two stores would pack. */
export interface Half {
  store_id: string
  product_ids: string[]
}
/** A guest on a device of theirs, which keeps the secret. */
export interface Registered {
  token: string
  expires_in_s: number
  guest: Guest
  device_secret: string
}
/** `qr` is a data: URI of an SVG of `url`. */
export interface Move {
  code: string
  url: string
  qr: string
  expires_in_s: number
}
/** `other` is the second order where two stores share it. */
export type Placed = { done: true; order: Order; other?: Order } | { done: false; order_id?: string }
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export class Api {
  constructor(
    private readonly fetch: Fetch,
    private readonly token: () => string | null,
  ) {}

  estates = async () => (await this.get<{ estates: Estate[] }>('/api/estates')).estates
  lives = async () => (await this.get<{ lives: LiveSummary[] }>('/api/lives')).lives
  room = (room: string) => this.get<Room>(`/api/rooms/${encodeURIComponent(room)}`)
  products = async (room: string) =>
    (await this.get<{ products: Product[] }>(`/api/rooms/${encodeURIComponent(room)}/products`)).products
  myOrders = async () => (await this.ordersNow()).orders
  /** One's orders, and what time it is there; an older server does not say that. */
  ordersNow = () => this.get<{ orders: Order[]; now_ms?: AtMs }>('/api/me/orders')
  cancelOrder = async (order: string) =>
    (await this.send<{ order: Order }>('POST', `/api/orders/${encodeURIComponent(order)}/cancellation`)).order
  /** Say that the page is about to pay; where the provider's login comes first, its address. */
  beginPayment = async (order: string, code: string) =>
    (
      await this.send<{ login_url: string | null }>(
        'POST',
        `/api/orders/${encodeURIComponent(order)}/payment`,
        {
          code,
        },
      )
    ).login_url
  store = (store: string) => this.get<Store>(`/api/stores/${encodeURIComponent(store)}`)
  board = (store: string) => this.get<StoreBoard>(boardPath(store))
  /** What was handed over before the orders that `cursor` ends. */
  handedOver = (store: string, cursor: string) =>
    this.get<Pick<StoreBoard, 'orders' | 'next'>>(`${boardPath(store)}?after=${encodeURIComponent(cursor)}`)

  liveStats = (room: string) => this.get<LiveStats>(`/api/lives/${encodeURIComponent(room)}/stats`)

  guest = (nickname: string, estate_id: string) =>
    this.send<Registered>('POST', '/api/guests', { nickname, estate_id })
  /** Prove a device: a new token of the same guest. */
  refresh = (guest_id: string, device_secret: string) =>
    this.send<Omit<Registered, 'device_secret'>>('POST', '/api/guests/refresh', { guest_id, device_secret })
  /** Become the guest whose code this is. */
  restore = (code: string) => this.send<Registered>('POST', '/api/guests/restore', { code })
  /** A secret for the device of a guest who has none. */
  addDevice = async () =>
    (await this.send<{ device_secret: string }>('POST', '/api/me/devices')).device_secret
  /** A code by which another device becomes this guest's, too. */
  startMove = () => this.send<Move>('POST', '/api/me/moves')
  login = (username: string, password: string, code = '') =>
    this.send<{ token: string; staff: Staff }>('POST', '/api/login', {
      username,
      password,
      ...(code && { code }),
    })
  pin = (room: string, product: string, media_time?: number) =>
    this.send<Card>('PUT', pinPath(room, product), media_time === undefined ? {} : { media_time })
  unpin = (room: string, product: string) => this.send<null>('DELETE', pinPath(room, product))
  streamKey = (room: string) => this.get<StreamKey>(streamKeyPath(room))
  renewStreamKey = (room: string) => this.send<StreamKey>('POST', streamKeyPath(room))
  restream = (room: string) => this.get<Restream>(restreamPath(room))
  putRestream = (room: string, target: { address: string; key: string }) =>
    this.send<Restream>('PUT', restreamPath(room), target)
  removeRestream = (room: string) => this.send<null>('DELETE', restreamPath(room))
  end = (room: string) => this.send<null>('POST', `/api/rooms/${encodeURIComponent(room)}/end`)
  move = (order: string, to: string) =>
    this.send<StoreOrder>('POST', `/api/orders/${encodeURIComponent(order)}/moves`, { to })
  handover = (store: string, code: string) =>
    this.send<StoreOrder & { also?: StoreOrder[] }>(
      'POST',
      `/api/stores/${encodeURIComponent(store)}/handovers`,
      { code },
    )

  /** Place an order. The same `key` may be sent any number of times: it is one order. */
  async placeOrder(order: PlaceOrder, key: string): Promise<Placed> {
    const { room_id, lines, fulfilment, halves } = order
    const sent = lines ? { room_id, lines, halves, ...(fulfilment ? { fulfilment } : {}) } : order
    const path = halves ? '/api/orders/split' : '/api/orders'
    const response = await this.#request('POST', path, sent, { 'Idempotency-Key': key })
    const {
      order: one,
      orders,
      order_id,
    } = (await response.json()) as {
      order?: Order
      orders?: Order[]
      order_id?: string
    }
    const [first, other] = orders ?? [one]
    return response.status !== 202 && first ? { done: true, order: first, other } : { done: false, order_id }
  }

  /** For what only some pages ask. */
  async get<T>(path: string): Promise<T> {
    return (await (await this.#request('GET', path)).json()) as T
  }

  /** Send a file as it is. */
  async upload<T>(path: string, file: Blob): Promise<T> {
    return (await (await this.#request('POST', path, file)).json()) as T
  }

  async download(path: string): Promise<Blob> {
    return (await this.#request('GET', path)).blob()
  }

  async send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await this.#request(method, path, body, headers)
    return (response.status === 204 ? null : await response.json()) as T
  }

  async #request(
    method: string,
    path: string,
    body?: unknown,
    extra: Record<string, string> = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', ...extra }
    const token = this.token()
    if (token) headers.Authorization = `Bearer ${token}`
    const isFile = body instanceof Blob
    if (body !== undefined && !isFile) headers['Content-Type'] = 'application/json'
    let response: Response
    try {
      response = await this.fetch(path, {
        method,
        headers,
        signal: AbortSignal.timeout(isFile ? FILE_TIMEOUT_MS : REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }),
      })
    } catch {
      throw new Unreachable(`${method} ${path}`)
    }
    if (!response.ok) throw await refusal(response)
    return response
  }
}

/** The error a not-ok answer stands for. */
export async function refusal(response: Response): Promise<Refused> {
  let problem: Record<string, unknown> = {}
  try {
    const body: unknown = await response.json()
    if (typeof body === 'object' && body !== null) problem = body as Record<string, unknown>
  } catch {
    // Not every refusal comes from us: a proxy answers in HTML.
  }
  const type = typeof problem.type === 'string' ? problem.type : ''
  const kind = type.startsWith(PROBLEM_PREFIX) ? type.slice(PROBLEM_PREFIX.length) : ''
  const detail = typeof problem.detail === 'string' ? problem.detail : ''
  return new Refused(response.status, kind, detail, retryAfterMs(response), problem)
}

/** `Retry-After` in ms, 0 when absent or a date. */
export function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}

const boardPath = (store: string) => `/api/stores/${encodeURIComponent(store)}/orders`
const streamKeyPath = (room: string) => `/api/rooms/${encodeURIComponent(room)}/stream-key`
const restreamPath = (room: string) => `/api/rooms/${encodeURIComponent(room)}/restream`
function pinPath(room: string, product: string): string {
  return `/api/rooms/${encodeURIComponent(room)}/pins/${encodeURIComponent(product)}`
}
