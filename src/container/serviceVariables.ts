/** The variables that every container of a cluster has of kube Services (kubelet `envvars.FromServices`). Pure. */

/**
 * Those of the Service `kubernetes`, by which programs find out that they run in Kubernetes: Spring Boot, for one, opens
 * its probes' paths then. `address` is the Service's, an IPv4 address. Variables of the container's own come before them.
 */
export function kubernetesVariables(address: string): readonly (readonly [name: string, value: string])[] {
  const url = `tcp://${address}:443`;
  return [
    ["KUBERNETES_SERVICE_HOST", address],
    ["KUBERNETES_SERVICE_PORT", "443"],
    ["KUBERNETES_SERVICE_PORT_HTTPS", "443"],
    ["KUBERNETES_PORT", url],
    ["KUBERNETES_PORT_443_TCP", url],
    ["KUBERNETES_PORT_443_TCP_PROTO", "tcp"],
    ["KUBERNETES_PORT_443_TCP_PORT", "443"],
    ["KUBERNETES_PORT_443_TCP_ADDR", address],
  ];
}
