/** Invites to a group: the link that one came by, and one's own. */
import { computed, ref, shallowRef, watch } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import type { Group } from '../lib/base/wire'
import type { IdentityModel } from './use-identity'

export interface Neighbour {
  name: string
  building: string
}
export interface Invite {
  code: string
  room_id: string
  group: Group
  counted: Neighbour[]
  refused: number
}
interface Invited {
  code: string
  group: Group
  inviter: Neighbour
}

export function useInvite(
  api: Api,
  identity: IdentityModel,
  group: () => Group | null,
  joined: () => boolean,
) {
  const code = new URLSearchParams(location.search).get('invite')
  const invited = shallowRef<Invited | null>(null)
  const mine = shallowRef<Invite | null>(null)
  const shown = ref(false)
  const trouble = ref<'join_first' | 'failed' | null>(null)
  /** Of this group, the first letter of the one whose link was followed. */
  const inviter = computed(() =>
    invited.value && invited.value.group.id === group()?.id ? invited.value.inviter.name : '',
  )
  const path = (id: string) => `/api/groups/${encodeURIComponent(id)}/invite`

  /** Note whose link one came by; what it is worth is decided once the order is paid. */
  async function follow(): Promise<void> {
    if (!code || !identity.known()) return
    await api.send('POST', `/api/invites/${encodeURIComponent(code)}/follow`).catch(() => undefined)
  }

  /** One's own invite as it stands, if there is one. */
  async function refresh(): Promise<void> {
    const id = group()?.award && group()?.id
    if (!id || !identity.known()) return void (mine.value = null)
    const found = await api.get<Invite>(path(id)).catch(() => null)
    // One that was made meanwhile is not known to this answer.
    if (group()?.id === id && (found || mine.value?.group.id !== id)) mine.value = found
  }

  async function open(): Promise<void> {
    const id = group()?.id
    if (!id) return
    shown.value = true
    trouble.value = null
    try {
      mine.value = (await api.send<Invite>('PUT', path(id))) ?? null
    } catch (error) {
      trouble.value = error instanceof Refused && error.kind === 'no-seat' ? 'join_first' : 'failed'
    }
  }

  /** Whose link one came by. */
  async function look(): Promise<void> {
    if (!code) return
    invited.value = await api.get<Invited>(`/api/invites/${encodeURIComponent(code)}`).catch(() => null)
  }

  void look()
  watch(identity.known, () => void follow(), { immediate: true })
  watch([() => group()?.id, () => group()?.joined, joined, () => group()?.price_fen], () => void refresh(), {
    immediate: true,
  })
  return { inviter, mine, shown, trouble, open }
}
