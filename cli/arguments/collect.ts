/** Turns a repeated or comma-separated option into a list: `-f a -f b`, `-L x,y`. */
export const collect = (value: string, previous: string[] = []): string[] => [...previous, value]

export const collectList = (value: string, previous: string[] = []): string[] => [...previous, ...value.split(',')]
