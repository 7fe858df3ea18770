/** The words of going on to another room, in Chinese. */
export const zh = {
  next_room: {
    title: '下一场：{title}',
    hint: '{store} 正在直播，{n} 秒后自动进入',
    waits: '{store} 正在直播',
    go: '现在就去',
    stay: '留在这里',
    choose: '结束后带观众去',
    nowhere: '不去别处',
    room: '{store} · {title}（{n} 人在看）',
    failed: '没有带过去，请再选一次。',
  },
}
