/** Rates of leaders' commission, as the head office's interface has them. */
export interface CommissionRate {
  /** Empty for all. */
  estate_id: string
  leader_id: string
  product_id: string
  /** Basis points of what buyers keep. */
  rate_bp: number
}
export interface LeaderEfficiency {
  leaders: {
    leader_id: string
    name: string
    estate_ids: string[]
    households: number
    orders: number
  }[]
  households_per_leader_x100: number
}

/** What a rate is for: it is set again under the same key. */
export const keyOf = (rate: CommissionRate) => [rate.estate_id, rate.leader_id, rate.product_id].join('|')
