/** How a part of the viewer's page shows another room without a reload. */
import type { InjectionKey } from 'vue'

/** Shows another room in place of this one. */
export const ENTER_ROOM: InjectionKey<(roomId: string) => void> = Symbol('enter room')
