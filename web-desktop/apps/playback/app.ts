import historyIcon from 'lucide-static/icons/history.svg'
import { defineApp } from '../../base/app.ts'
import { wordsOf } from '../../base/i18n.ts'

const t = wordsOf({ title: 'Playback', description: 'What was recorded, on a timeline; export of any stretch' })

export const playback = defineApp({
  id: 'playback',
  title: t('title'),
  description: t('description'),
  icon: historyIcon,
  tint: ['#5b6ee1', '#3543a8'],
  menu: 'applications',
  keywords: ['recording', 'timeline', 'export', 'download', 'clip', 'past'],
  needs: 'playback.view',
  singleton: true,
  sizePx: [1200, 740],
  minSizePx: [420, 380],
  tag: 'nj-playback',
  open: () => import('./nj-playback.ts'),
})
