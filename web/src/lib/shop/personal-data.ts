/** What a guest gives of themselves, sees and erases: phone number, flat, everything as a file. */
import type { Api } from '../base/api'
import type { AtMs, LocalText } from '../base/wire'

export type Purpose = 'phone' | 'dwelling' | 'sms'
export interface Consent {
  purpose: Purpose
  version: string
  text: LocalText
}
/** Where a neighbour says to live, and what the shop says to it. */
export interface Dwelling {
  guest_id: string
  nickname: string
  estate_id: string
  building: string
  flat: string
  state: 'waiting' | 'confirmed' | 'refused'
  asked_at_ms: AtMs
  last_four: string | null
}
export interface Household {
  people: number
  dwelling: Dwelling | null
}
export interface Phone {
  last_four: string | null
  needed: boolean
  /** Whether the number is kept for notices by SMS; none where there are no such notices. */
  sms?: boolean | null
}

export class PersonalData {
  constructor(private readonly api: Api) {}

  consents = async () => (await this.api.get<{ consents: Consent[] }>('/api/consents')).consents
  phone = () => this.api.get<Phone>('/api/me/phone')
  household = () => this.api.get<Household>('/api/me/household')
  /** With the version of the consent `sms`, the number is kept for notices once it is verified. */
  sendCode = (phone: string, consent: string, sms = '') =>
    this.api.send<{ last_four: string }>('POST', '/api/me/phone', { phone, consent, ...(sms && { sms }) })
  stopSms = () => this.api.send<null>('DELETE', '/api/me/phone/sms')
  verify = (code: string) => this.api.send<{ last_four: string }>('POST', '/api/me/phone/verify', { code })
  nameFlat = (building: string, flat: string, consent: string) =>
    this.api.send<Household>('PUT', '/api/me/dwelling', { building, flat, consent })
  everything = () => this.api.get<unknown>('/api/me/data')
  erase = () => this.api.send<null>('POST', '/api/me/erasure', { erase: 'everything' })
}
