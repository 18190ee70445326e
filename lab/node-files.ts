/** The texts that a node's programs read: containerd's configuration and the pod network. Pure. */
import { type LabDefinition, labPaths, podCidr } from './definition.ts'

const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10'

export interface HostAbilities {
  /** CAP_SYS_RESOURCE: without it nobody may lower an OOM score. */
  mayLowerOomScore: boolean
}

/** CRI on, everything else off. Paths in the node's own state, so that two nodes share nothing. */
export function containerdConfig(lab: LabDefinition, node: string, { mayLowerOomScore }: HostAbilities): string {
  const paths = labPaths(lab.name).node(node)
  return `version = 2
root = "${paths.containerd}"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
  address = "/run/containerd/containerd.sock"
  max_recv_message_size = 16777216
  max_send_message_size = 16777216

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = ${!mayLowerOomScore}
  enable_selinux = false
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  max_container_log_line_size = 16384
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${paths.cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${paths.state}/registries"
`
}

/** Pods on a bridge of the node, addresses from its own /24. No masquerade inside the cluster: pods see each other's addresses. */
export function cniConfig(lab: LabDefinition, node: string): string {
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: false,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: `${labPaths(lab.name).node(node).cniState}/ipam`,
      ranges: [[{ subnet: podCidr(lab, node) }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  }
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true }
  return `${JSON.stringify({ cniVersion: '0.4.0', name: 'kubelab', plugins: [bridge, portmap] }, null, 2)}\n`
}
