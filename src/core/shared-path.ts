declare const shared: unique symbol;

/**
 * A path on this host that a guest may write to: a project, or what is shared. Code may tell it and compare it, and opens it
 * by `Host.openTree` alone: for `Files` it is of the wrong type, since what a name is there can change at any moment.
 */
export type SharedPath = string & { readonly [shared]?: true };

/** A path on this host that is opened by its name: any but a shared one. */
export type HostPath = string & { readonly [shared]?: never };
