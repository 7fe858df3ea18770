/** A leader's day, as `/api/leader/estates/{estate}/day` has it, and what is read from it. */
import type { AtMs, Fen, Group, LocalText, OrderLine, OrderState, StoreRef } from '../base/wire'

export const TABS = ['today', 'orders', 'walk', 'claims', 'money'] as const
export type Tab = (typeof TABS)[number]

/** The tab that an address ends in (`#orders`); today's groups if it ends in none. */
export const tabOf = (hash: string): Tab => TABS.find((tab) => hash === `#${tab}`) ?? 'today'

export interface LeaderGroup {
  group: Group
  name: LocalText
  unit: LocalText
  image: string
  list_price_fen: Fen
  room_id: string
}
export interface Arrival {
  product_id: string
  name: LocalText
  unit: LocalText
  image: string
  to_arrive: number
  ready: number
}
export interface Neighbour {
  name: string
  building: string
  flat: string
  confirmed: boolean
}
export interface LeaderOrder {
  id: string
  number: string
  state: OrderState
  household_id: string
  neighbour: Neighbour
  lines: OrderLine[]
  group_id: string | null
  fulfilment?: 'pickup' | 'delivery'
  store: StoreRef
  created_at_ms: AtMs
  due_at_ms: AtMs | null
  handed_over_at_ms: AtMs | null
}
/** The last reminder of a household; `at_ms` is when it was seen, sent or given up, or when it comes. */
export interface ReminderState {
  household_id: string
  made_at_ms: AtMs
  due_at_ms: AtMs
  channel: 'page' | 'push' | 'wechat' | 'sms'
  state: 'waiting' | 'sent' | 'seen' | 'failed'
  at_ms: AtMs
}
export interface LeaderDay {
  estate_id: string
  estate_name: LocalText
  time_zone: string
  now_ms: AtMs
  groups: LeaderGroup[]
  arrivals: Arrival[]
  orders: LeaderOrder[]
  reminders?: ReminderState[]
}

/** Where orders are, as a leader needs it: nearest to the neighbour first. */
export const STAGES = ['ready', 'out', 'coming', 'waiting_group', 'handed_over'] as const
export type Stage = (typeof STAGES)[number]

export function stageOf(state: OrderState): Stage | null {
  if (state === 'new' || state === 'picking' || state === 'packed') return 'coming'
  if (state === 'delivered') return 'handed_over'
  return STAGES.find((stage) => stage === state) ?? null
}
/** Those at a stage; what is brought to doors is on the walk and waits for nobody to collect it. */
export const ordersAt = (orders: LeaderOrder[], stage: Stage): LeaderOrder[] =>
  orders.filter(
    (order) => stageOf(order.state) === stage && !(stage === 'ready' && order.fulfilment === 'delivery'),
  )

/** What is to be brought to doors, in the order of the walk. */
export const toDeliver = (orders: LeaderOrder[]): LeaderOrder[] =>
  orders.filter((order) => order.fulfilment === 'delivery' && ['ready', 'out'].includes(order.state))

/** How many households a group lacks. */
export const gapOf = (group: Group): number => Math.max(0, group.target - group.joined)

/** Groups that neighbours can still join first, the nearest deadline first; then what has ended. */
export function groupsByNeed(groups: LeaderGroup[], at_ms: AtMs): LeaderGroup[] {
  const rank = ({ group }: LeaderGroup) => (group.ends_at_ms <= at_ms ? 2 : group.state === 'open' ? 0 : 1)
  return [...groups].sort((a, b) => rank(a) - rank(b) || a.group.ends_at_ms - b.group.ends_at_ms)
}
