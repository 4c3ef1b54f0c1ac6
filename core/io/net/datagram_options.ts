/** Where and how to bind a datagram socket. */
export interface DatagramOptions {
  /** The local address; all of IPv4 by default. With an IPv6 address it is an IPv6 socket. */
  readonly hostname?: string;
  /** The local port; 0 takes any free one. */
  readonly port: number;
  /** Lets other sockets bind the same address, for multicast. */
  readonly reuseAddress?: boolean;
  /** Whether datagrams may be sent to broadcast addresses. */
  readonly broadcast?: boolean;
  /**
   * The number of datagrams that are kept until they are received; the newest are dropped if there are more. 1,024 by
   * default.
   */
  readonly capacity?: number;
}

/** The address of a datagram's sender or recipient. */
export interface DatagramAddr {
  /** Always `"udp"`. */
  readonly transport: "udp";
  /** The address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}
