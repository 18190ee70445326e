/** What anything that was thrown says, without its class and its stack. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
