/**
 * Who this browser is in the shops, for as long as the server knows its device. A token that ends or is refused is
 * replaced by another one of the same guest; when that is impossible the guest is lost, and only the person decides
 * what comes next.
 */
import { Api, type Fetch, Refused, type Registered } from '../base/api'
import type { Guest } from '../base/bodies'

const STORAGE_KEY = 'linli.guest'
/** What the server answers to a device that it does not know (any more). */
const UNKNOWN_DEVICE = 'unknown-device'

export interface Remembered {
  token: string
  guest: Guest
  /** Missing when the guest registered before devices had one. */
  device_secret?: string
  /** When to get another token, UTC ms. */
  renew_at_ms?: number
  /** The server has refused both token and device. */
  lost?: boolean
}

/** The part of Web Storage we use. */
interface KeyStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

interface GuestWorld {
  fetch: Fetch
  storage: KeyStore
  /** UTC ms. */
  at: () => number
  onChange: (remembered: Remembered | null) => void
}

export class GuestSession {
  /** Sends the guest's token; a request that is refused for it is sent once more with a new one. */
  readonly api: Api
  readonly #anonymous: Api
  #remembered: Remembered | null
  #renewing: Promise<boolean> | null = null

  constructor(private readonly world: GuestWorld) {
    this.api = new Api(
      (url, init) => this.#fetch(url, init),
      () => this.token,
    )
    // An old token would only be refused again where a new one is asked for.
    this.#anonymous = new Api(world.fetch, () => null)
    this.#remembered = this.#load()
  }

  /** What was remembered, lost guests too. */
  get remembered(): Remembered | null {
    return this.#remembered
  }

  get token(): string | null {
    return this.#remembered && !this.#remembered.lost ? this.#remembered.token : null
  }

  /** Become a new guest. */
  async register(nickname: string, estate_id: string): Promise<void> {
    this.#take(await this.#anonymous.guest(nickname, estate_id))
  }

  /** Become the guest of another device, whose code this is. */
  async restore(code: string): Promise<void> {
    this.#take(await this.#anonymous.restore(code))
  }

  /** Be nobody: the guest was erased. */
  forget(): void {
    this.#remembered = null
    this.world.storage.removeItem(STORAGE_KEY)
    this.world.onChange(null)
  }

  /** Get a new token for the same guest. False when that did not succeed; then `remembered.lost` says whether it can. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null))
    return this.#renewing
  }

  /** Take over what another page of this browser has stored: a new token, another guest. */
  sync(): void {
    const stored = this.#load()
    if (!stored || JSON.stringify(stored) === JSON.stringify(this.#remembered)) return
    this.#remembered = stored
    this.world.onChange(stored)
  }

  /** Get a new token before the old one ends, and a device secret if there is none. */
  async keepFresh(): Promise<void> {
    this.sync()
    const known = this.#remembered
    if (!known || known.lost) return
    if (!known.device_secret) {
      const device_secret = await this.api.addDevice().catch(() => null)
      this.sync()
      if (!device_secret || this.#remembered !== known) return
      this.#save({ ...known, device_secret })
    }
    if ((known.renew_at_ms ?? 0) <= this.world.at()) await this.renew()
  }

  async #renew(): Promise<boolean> {
    const refused = this.#remembered
    this.sync()
    const known = this.#remembered
    if (!known || known.lost) return false
    if (known.token !== refused?.token) return true
    if (!known.device_secret) return this.#lose(known)
    try {
      const fresh = await this.#anonymous.refresh(known.guest.id, known.device_secret)
      // Somebody may have registered or restored meanwhile, here or in another page.
      this.sync()
      if (this.#remembered !== known) return true
      this.#take({ ...fresh, device_secret: known.device_secret })
      return true
    } catch (error) {
      this.sync()
      if (error instanceof Refused && error.kind === UNKNOWN_DEVICE && this.#remembered === known)
        return this.#lose(known)
      return false
    }
  }

  #lose(known: Remembered): boolean {
    this.#save({ ...known, lost: true })
    return false
  }

  async #fetch(url: string, init?: RequestInit): Promise<Response> {
    const used = this.token
    const guest = this.#remembered?.guest.id
    const response = await this.world.fetch(url, init)
    if (response.status !== 401 || !used) return response
    if (this.token === used && !(await this.renew())) return response
    // What one guest wanted is not done as another.
    if (!this.token || this.#remembered?.guest.id !== guest) return response
    const headers = { ...(init?.headers as Record<string, string>), Authorization: `Bearer ${this.token}` }
    return this.world.fetch(url, { ...init, headers })
  }

  #take({ token, expires_in_s, guest, device_secret }: Registered): void {
    this.#save({ token, guest, device_secret, renew_at_ms: this.world.at() + (expires_in_s / 2) * 1000 })
  }

  #save(remembered: Remembered): void {
    this.#remembered = remembered
    this.world.onChange(remembered)
    this.world.storage.setItem(STORAGE_KEY, JSON.stringify(remembered))
  }

  #load(): Remembered | null {
    try {
      const value = JSON.parse(this.world.storage.getItem(STORAGE_KEY) ?? 'null') as Remembered | null
      return value?.token && value.guest ? value : null
    } catch {
      return null
    }
  }
}
