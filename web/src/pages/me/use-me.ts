/** The guest's own page: who this device is, their orders, and the way to another device. */
import { computed, onMounted, shallowRef } from 'vue'
import type { Estate } from '../../lib/base/bodies'
import { type Consent, type Household, PersonalData, type Purpose } from '../../lib/shop/personal-data'
import { ServerClock } from '../../lib/shop/server-clock'
import { type GuestModel, useGuest } from '../../use/use-guest'
import { useKeptOrders } from '../../use/use-kept-orders'
import { usePayments } from './use-payments'

const CODE_IN_LINK = /^#move=(.+)$/

export function useMe() {
  const guest = useGuest()
  const clock = new ServerClock()
  const estates = shallowRef<Estate[]>([])
  const { orders, stale, asOf, ownId, current } = useKeptOrders(guest)
  const personal = usePersonal(guest)
  const given = decodeURIComponent(CODE_IN_LINK.exec(location.hash)?.[1] ?? '')
  // A code that stays in the address would be kept in the history and in bookmarks.
  if (given) history.replaceState(history.state, '', location.pathname)

  async function read(further: () => Promise<void>): Promise<void> {
    if (!guest.token()) return
    try {
      const asker = ownId()
      const sent_ms = performance.now()
      const answer = await guest.api.ordersNow()
      if (answer.now_ms !== undefined) clock.heard(sent_ms, performance.now(), answer.now_ms)
      current(answer.orders, asker)
      await further()
      stale.value = false
    } catch {
      stale.value = true
    }
  }
  const refreshOrders = () => read(() => Promise.resolve())
  const refresh = () =>
    read(async () => {
      estates.value = await guest.api.estates()
      await personal.read()
    })
  onMounted(() => void refresh())

  return {
    guest,
    orders,
    stale,
    asOf,
    given,
    refresh,
    personal,
    payments: usePayments(guest, orders, refreshOrders, () => clock.now(performance.now()) ?? Date.now()),
    estate: computed(() => estates.value.find(({ id }) => id === guest.guest.value?.estate_id) ?? null),
  }
}

/** What the guest has given, and the texts that they agree to. */
function usePersonal(guest: GuestModel) {
  const data = new PersonalData(guest.api)
  const consents = shallowRef<Consent[]>([])
  const household = shallowRef<Household | null>(null)

  async function readHousehold(): Promise<void> {
    household.value = await data.household()
  }
  async function read(): Promise<void> {
    consents.value = await data.consents()
    await readHousehold()
  }
  const consentTo = (purpose: Purpose) => consents.value.find((each) => each.purpose === purpose) ?? null
  return { data, household, consentTo, read, readHousehold }
}
