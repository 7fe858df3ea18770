/** What every section of the head office works with: its HTTP interface, and who is logged in. */
import { type InjectionKey, inject, provide } from 'vue'
import type { Api } from '../lib/base/api'
import type { StaffModel } from './use-staff'

const KEY: InjectionKey<StaffModel> = Symbol('head office')

export function provideHq(staff: StaffModel): void {
  provide(KEY, staff)
}

export function useHq(): { api: Api; staff: StaffModel } {
  const staff = inject(KEY)
  if (!staff) throw new Error('used outside of the head office page')
  return { api: staff.api, staff }
}
