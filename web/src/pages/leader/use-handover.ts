/** Hands over on a leader's phone: checked here at once, decided by the server now or when there is a network again. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import { randomKey } from '../../lib/base/keys'
import type { LeaderOrder } from '../../lib/leader/day'
import { type OfflineCodes, type Verdict, check } from '../../lib/leader/offline-codes'
import type { BatchOther, HouseholdOrders } from '../../lib/leader/households'
import { type FirstHandover, type Outcome, type Scan, ScanQueue } from '../../lib/leader/scan-queue'
import { onNetworkChange } from '../../use/network'
import { storage } from '../../use/storage'

/** Codes become ready at any time, ms. */
const CODES_EVERY_MS = 30_000
/** Scans that wait are sent again this often, ms. */
const SYNC_EVERY_MS = 10_000

/** `kept`: this phone vouches for it, the server does not know yet. */
export type Shown =
  | { kind: 'handed_over' | 'kept' | 'signed'; orders: LeaderOrder[] }
  | { kind: 'duplicate'; first: FirstHandover | null }
  | { kind: 'batch'; done: number; kept: number; others: BatchOther[] }
  | { kind: 'unknown' | 'not_ready' | 'wrong_tail' | 'used_here' | 'too_many' | 'needs_network' | 'failed' }

export function useHandover(
  estateId: string,
  deviceName: () => string,
  api: Api,
  orders: () => LeaderOrder[],
  onHanded: () => void,
) {
  const base = `/api/leader/estates/${encodeURIComponent(estateId)}`
  const codesKey = `linli.leader.codes.${estateId}`
  const queue = new ScanQueue(`linli.leader.scans.${estateId}`, storage, randomKey)
  const codes = shallowRef(kept(codesKey))
  const shown = shallowRef<Shown | null>(null)
  const busy = ref(false)
  const version = ref(0)
  const waiting = computed(() => (void version.value, queue.waiting.length))
  /** What turned out differently than this phone had said, newest first. */
  const surprises = computed(
    () => (void version.value, queue.decided.filter((one) => one.late && one.result !== 'handed_over')),
  )
  /** Orders that this phone has handed over though the list may not say so yet. */
  const handed = computed(() => (void version.value, queue.handedOver))

  async function refreshCodes(): Promise<void> {
    try {
      codes.value = await api.get<OfflineCodes>(`${base}/codes`)
      storage.setItem(codesKey, JSON.stringify(codes.value))
    } catch {
      // Those of the last time stay.
    }
  }

  /** Send what waits; whether the server answered. */
  async function sync(live: number[] = []): Promise<Outcome[] | null> {
    const scans = queue.batch()
    if (scans.length === 0) return []
    const device_name = deviceName().slice(0, 40) || queue.device.slice(0, 6)
    try {
      const body = { device: queue.device, device_name, scans }
      const { results } = await api.send<{ results: Outcome[] }>('POST', `${base}/scans`, body)
      queue.decide(results, live)
      // What this phone vouched for was handed over before: the list of surprises says by whom.
      const wrong = live.length === 0 && results.some((one) => one.result !== 'handed_over')
      if (wrong && ['kept', 'signed'].includes(shown.value?.kind ?? '')) shown.value = null
      version.value++
      if (results.some((one) => one.result === 'handed_over')) onHanded()
      return results
    } catch (error) {
      if (error instanceof Refused && error.status === 422) live.forEach((seq) => queue.drop(seq))
      if (error instanceof Refused) throw error
      return null
    }
  }

  const ordersOf = (ids: string[]) => orders().filter((order) => ids.includes(order.id))

  async function scanned(text: string): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      shown.value = await judge(text)
    } finally {
      busy.value = false
    }
  }
  async function judge(text: string): Promise<Shown> {
    const subtle = window.crypto?.subtle
    const verdict: Verdict =
      codes.value && subtle ? await check(text, codes.value, subtle) : { kind: 'unknown' }
    const household = verdict.kind === 'open' ? verdict.code : null
    const own = household
      ? (codes.value?.codes ?? []).filter(
          (one) => one.household_id === household.household_id && one.store_id === household.store_id,
        )
      : []
    const ids = own.map((one) => one.order_id)
    if (ids.length > 0 && ids.every((id) => queue.handedOver.has(id))) return { kind: 'used_here' }
    return decide(queue.add({ at_ms: Date.now(), code: text.trim() }, ids), verdict.kind, ids)
  }
  async function decide(scan: Scan, verdict: Verdict['kind'], ids: string[]): Promise<Shown> {
    let results: Outcome[] | null
    try {
      results = await sync([scan.seq])
    } catch (error) {
      queue.drop(scan.seq)
      version.value++
      return { kind: error instanceof Refused && error.status === 429 ? 'too_many' : 'failed' }
    }
    version.value++
    const outcome = results?.find((one) => one.seq === scan.seq)
    if (outcome?.result === 'handed_over') return { kind: 'handed_over', orders: ordersOf(outcome.order_ids) }
    if (outcome?.result === 'duplicate') return { kind: 'duplicate', first: outcome.first }
    if (outcome) return { kind: outcome.result }
    if (verdict === 'open') return { kind: 'kept', orders: ordersOf(ids) }
    if (verdict === 'signed') return { kind: 'signed', orders: [] }
    queue.drop(scan.seq)
    version.value++
    return { kind: 'needs_network' }
  }

  /** Tick off what one household has got at its door; all of them are of one store, or of several. */
  async function atDoor(ids: string[]): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      for (const order_id of ids) {
        if (queue.handedOver.has(order_id)) continue
        shown.value = await decide(queue.add({ at_ms: Date.now(), order_id }, ids), 'open', ids)
      }
    } finally {
      busy.value = false
    }
  }

  /** Hand over without a code; the server alone knows the digits. */
  async function byTail(household_id: string, last_four: string, reason: string): Promise<void> {
    if (busy.value) return
    busy.value = true
    const scan = queue.add({ at_ms: Date.now(), household_id, last_four, reason })
    try {
      shown.value = await decide(scan, 'unknown', [])
    } finally {
      busy.value = false
    }
  }

  /** Hand over to several households who stand there together; whether the server has looked at it. */
  async function byBatch(households: HouseholdOrders[], reason: string): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    const sought = new Map<number, HouseholdOrders>()
    for (const one of households) {
      const ids = one.orders.map((order) => order.id)
      const scan = { at_ms: Date.now(), household_id: one.household_id, reason, batch: true }
      sought.set(queue.add(scan, ids).seq, one)
    }
    const seqs = [...sought.keys()]
    const left = () => queue.waiting.filter(({ seq }) => sought.has(seq))
    const others: BatchOther[] = []
    let done = 0
    try {
      while (left().length > 0) {
        const results = await sync(seqs)
        if (results === null) break
        for (const outcome of results) {
          const one = sought.get(outcome.seq)
          if (one && outcome.result === 'handed_over') done++
          else if (one) others.push({ ...outcome, one })
        }
      }
    } catch (error) {
      // Too many at once: what is left is sent a little later.
      if (!(error instanceof Refused && error.status === 429)) {
        left().forEach(({ seq }) => queue.drop(seq))
        shown.value = { kind: 'failed' }
        return false
      }
    } finally {
      version.value++
      busy.value = false
    }
    shown.value = { kind: 'batch', done, kept: left().length, others }
    return true
  }

  const trySync = () => void sync().catch(() => undefined)
  const timers = [
    window.setInterval(() => document.hidden || void refreshCodes(), CODES_EVERY_MS),
    window.setInterval(trySync, SYNC_EVERY_MS),
  ]
  const stop = onNetworkChange(trySync)
  void refreshCodes()
  trySync()
  onScopeDispose(() => {
    timers.forEach((timer) => clearInterval(timer))
    stop()
  })
  return { shown, busy, waiting, surprises, handed, scanned, byTail, byBatch, atDoor }
}
export type HandoverModel = ReturnType<typeof useHandover>

function kept(key: string): OfflineCodes | null {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null') as OfflineCodes | null
  } catch {
    return null
  }
}
