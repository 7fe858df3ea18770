/** Orders of one household together: what a leader hands over at once. */
import type { LeaderOrder, Neighbour } from './day'
import type { Outcome } from './scan-queue'

export interface HouseholdOrders {
  household_id: string
  neighbour: Neighbour
  orders: LeaderOrder[]
}

/** A household of a batch that got nothing, and why. */
export interface BatchOther extends Outcome {
  one: HouseholdOrders
}

/** Who is meant: building and flat if known, and the masked name. */
export const whoIs = ({ building, flat, name }: Neighbour): string =>
  [building && `${building} - ${flat}`, name].filter(Boolean).join(' ')

/** Orders by household, in the order in which they come; the neighbour is the first who names a flat. */
export function byHousehold(orders: LeaderOrder[]): HouseholdOrders[] {
  const found = new Map<string, LeaderOrder[]>()
  for (const order of orders) found.set(order.household_id, [...(found.get(order.household_id) ?? []), order])
  return [...found].map(([household_id, own]) => {
    const named = own.find((order) => order.neighbour.building) ?? own[0]
    return { household_id, orders: own, neighbour: (named as LeaderOrder).neighbour }
  })
}
