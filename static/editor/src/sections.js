// The sections of a document, in their order.
export const SECTIONS = ["inbound", "backend", "outbound", "on-error"];
