//! The types that the daemon reads bodies into: Docker 20.10's `api/types`, by their JSON names.

use super::go::{Go, Struct};

const TEXT: Go = Go::Text("string");
const TEXTS: Go = Go::List("[]string", &TEXT);
const LABELS: Go = Go::Map(&TEXT);
const UINT64: Go = Go::Whole("uint64", 0, u64::MAX as i128);
const UINT32: Go = Go::Whole("uint32", 0, u32::MAX as i128);
const FILE_MODE: Go = Go::Whole("fs.FileMode", 0, u32::MAX as i128);
const INT64: Go = Go::Whole("int64", i64::MIN as i128, i64::MAX as i128);
const INT: Go = Go::Whole("int", i64::MIN as i128, i64::MAX as i128);
const DURATION: Go = Go::Whole("time.Duration", i64::MIN as i128, i64::MAX as i128);

macro_rules! structs {
    ($($(#[$doc:meta])* $constant:ident = $name:literal { $($field:literal: $go:expr),* $(,)? })*) => {
        $($(#[$doc])* pub(crate) static $constant: Struct =
            Struct { name: $name, fields: &[$(($field, $go)),*] };)*
    };
}

structs! {
    /// `POST /services/create` and `/services/ID/update`.
    SERVICE = "swarm.ServiceSpec" {
        "Name": TEXT, "Labels": LABELS, "TaskTemplate": Go::Struct(&TASK),
        "Mode": Go::Struct(&MODE), "UpdateConfig": Go::Struct(&UPDATE),
        "RollbackConfig": Go::Struct(&UPDATE), "Networks": NETWORKS,
        "EndpointSpec": Go::Struct(&ENDPOINT),
    }
    TASK = "swarm.TaskSpec" {
        "ContainerSpec": Go::Struct(&CONTAINER), "Resources": Go::Struct(&REQUIREMENTS),
        "RestartPolicy": Go::Struct(&RESTART), "Placement": Go::Struct(&PLACEMENT),
        "Networks": NETWORKS, "LogDriver": Go::Struct(&DRIVER), "ForceUpdate": UINT64,
        "Runtime": Go::Text("swarm.RuntimeType"),
    }
    CONTAINER = "swarm.ContainerSpec" {
        "Image": TEXT, "Labels": LABELS, "Command": TEXTS, "Args": TEXTS, "Hostname": TEXT,
        "Env": TEXTS, "Dir": TEXT, "User": TEXT, "Groups": TEXTS,
        "Privileges": Go::Struct(&PRIVILEGES), "Init": Go::Bool, "StopSignal": TEXT,
        "TTY": Go::Bool, "OpenStdin": Go::Bool, "ReadOnly": Go::Bool,
        "Mounts": Go::List("[]mount.Mount", &Go::Struct(&MOUNT)), "StopGracePeriod": DURATION,
        "Healthcheck": Go::Struct(&HEALTH), "Hosts": TEXTS, "DNSConfig": Go::Struct(&DNS),
        "Secrets": Go::List("[]*swarm.SecretReference", &Go::Struct(&SECRET_REFERENCE)),
        "Configs": Go::List("[]*swarm.ConfigReference", &Go::Struct(&CONFIG_REFERENCE)),
        "Isolation": Go::Text("container.Isolation"), "Sysctls": LABELS, "CapabilityAdd": TEXTS,
        "CapabilityDrop": TEXTS, "Ulimits": Go::List("[]*units.Ulimit", &Go::Struct(&ULIMIT)),
    }
    PRIVILEGES = "swarm.Privileges" {
        "CredentialSpec": Go::Struct(&CREDENTIALS), "SELinuxContext": Go::Struct(&SELINUX),
    }
    CREDENTIALS = "swarm.CredentialSpec" { "Config": TEXT, "File": TEXT, "Registry": TEXT }
    SELINUX = "swarm.SELinuxContext" {
        "Disable": Go::Bool, "User": TEXT, "Role": TEXT, "Type": TEXT, "Level": TEXT,
    }
    ULIMIT = "units.Ulimit" { "Name": TEXT, "Hard": INT64, "Soft": INT64 }
    MOUNT = "mount.Mount" {
        "Type": Go::Text("mount.Type"), "Source": TEXT, "Target": TEXT, "ReadOnly": Go::Bool,
        "Consistency": Go::Text("mount.Consistency"), "BindOptions": Go::Struct(&BIND),
        "VolumeOptions": Go::Struct(&VOLUME), "TmpfsOptions": Go::Struct(&TMPFS),
    }
    BIND = "mount.BindOptions" {
        "Propagation": Go::Text("mount.Propagation"), "NonRecursive": Go::Bool,
    }
    VOLUME = "mount.VolumeOptions" {
        "NoCopy": Go::Bool, "Labels": LABELS, "DriverConfig": Go::Struct(&MOUNT_DRIVER),
    }
    MOUNT_DRIVER = "mount.Driver" { "Name": TEXT, "Options": LABELS }
    TMPFS = "mount.TmpfsOptions" { "SizeBytes": INT64, "Mode": FILE_MODE }
    HEALTH = "container.HealthConfig" {
        "Test": TEXTS, "Interval": DURATION, "Timeout": DURATION, "StartPeriod": DURATION,
        "Retries": INT,
    }
    DNS = "swarm.DNSConfig" { "Nameservers": TEXTS, "Search": TEXTS, "Options": TEXTS }
    SECRET_REFERENCE = "swarm.SecretReference" {
        "File": Go::Struct(&SECRET_FILE), "SecretID": TEXT, "SecretName": TEXT,
    }
    SECRET_FILE = "swarm.SecretReferenceFileTarget" {
        "Name": TEXT, "UID": TEXT, "GID": TEXT, "Mode": FILE_MODE,
    }
    CONFIG_REFERENCE = "swarm.ConfigReference" {
        "File": Go::Struct(&CONFIG_FILE), "Runtime": Go::Struct(&NOTHING), "ConfigID": TEXT,
        "ConfigName": TEXT,
    }
    CONFIG_FILE = "swarm.ConfigReferenceFileTarget" {
        "Name": TEXT, "UID": TEXT, "GID": TEXT, "Mode": FILE_MODE,
    }
    NOTHING = "struct {}" {}
    REQUIREMENTS = "swarm.ResourceRequirements" {
        "Limits": Go::Struct(&LIMIT), "Reservations": Go::Struct(&RESOURCES),
    }
    LIMIT = "swarm.Limit" { "NanoCPUs": INT64, "MemoryBytes": INT64, "Pids": INT64 }
    RESOURCES = "swarm.Resources" {
        "NanoCPUs": INT64, "MemoryBytes": INT64,
        "GenericResources": Go::List("[]swarm.GenericResource", &Go::Struct(&GENERIC)),
    }
    GENERIC = "swarm.GenericResource" {
        "NamedResourceSpec": Go::Struct(&NAMED), "DiscreteResourceSpec": Go::Struct(&DISCRETE),
    }
    NAMED = "swarm.NamedGenericResource" { "Kind": TEXT, "Value": TEXT }
    DISCRETE = "swarm.DiscreteGenericResource" { "Kind": TEXT, "Value": INT64 }
    RESTART = "swarm.RestartPolicy" {
        "Condition": Go::Text("swarm.RestartPolicyCondition"), "Delay": DURATION,
        "MaxAttempts": UINT64, "Window": DURATION,
    }
    PLACEMENT = "swarm.Placement" {
        "Constraints": TEXTS,
        "Preferences": Go::List("[]swarm.PlacementPreference", &Go::Struct(&PREFERENCE)),
        "MaxReplicas": UINT64,
        "Platforms": Go::List("[]swarm.Platform", &Go::Struct(&PLATFORM)),
    }
    PREFERENCE = "swarm.PlacementPreference" { "Spread": Go::Struct(&SPREAD) }
    SPREAD = "swarm.SpreadOver" { "SpreadDescriptor": TEXT }
    PLATFORM = "swarm.Platform" { "Architecture": TEXT, "OS": TEXT }
    NETWORK_USE = "swarm.NetworkAttachmentConfig" {
        "Target": TEXT, "Aliases": TEXTS, "DriverOpts": LABELS,
    }
    DRIVER = "swarm.Driver" { "Name": TEXT, "Options": LABELS }
    MODE = "swarm.ServiceMode" {
        "Replicated": Go::Struct(&REPLICATED), "Global": Go::Struct(&GLOBAL),
        "ReplicatedJob": Go::Struct(&REPLICATED_JOB), "GlobalJob": Go::Struct(&GLOBAL_JOB),
    }
    REPLICATED = "swarm.ReplicatedService" { "Replicas": UINT64 }
    GLOBAL = "swarm.GlobalService" {}
    REPLICATED_JOB = "swarm.ReplicatedJob" { "MaxConcurrent": UINT64, "TotalCompletions": UINT64 }
    GLOBAL_JOB = "swarm.GlobalJob" {}
    UPDATE = "swarm.UpdateConfig" {
        "Parallelism": UINT64, "Delay": DURATION, "FailureAction": TEXT, "Monitor": DURATION,
        "MaxFailureRatio": Go::Float, "Order": TEXT,
    }
    ENDPOINT = "swarm.EndpointSpec" {
        "Mode": Go::Text("swarm.ResolutionMode"),
        "Ports": Go::List("[]swarm.PortConfig", &Go::Struct(&PORT)),
    }
    PORT = "swarm.PortConfig" {
        "Name": TEXT, "Protocol": Go::Text("swarm.PortConfigProtocol"), "TargetPort": UINT32,
        "PublishedPort": UINT32, "PublishMode": Go::Text("swarm.PortConfigPublishMode"),
    }
    /// `POST /secrets/create` and `/secrets/ID/update`.
    SECRET = "swarm.SecretSpec" {
        "Name": TEXT, "Labels": LABELS, "Data": Go::Bytes, "Driver": Go::Struct(&DRIVER),
        "Templating": Go::Struct(&DRIVER),
    }
    /// `POST /configs/create` and `/configs/ID/update`.
    CONFIG = "swarm.ConfigSpec" {
        "Name": TEXT, "Labels": LABELS, "Data": Go::Bytes, "Templating": Go::Struct(&DRIVER),
    }
    /// `POST /nodes/ID/update`.
    NODE = "swarm.NodeSpec" {
        "Name": TEXT, "Labels": LABELS, "Role": Go::Text("swarm.NodeRole"),
        "Availability": Go::Text("swarm.NodeAvailability"),
    }
    /// `POST /swarm/update`.
    SWARM = "swarm.Spec" {
        "Name": TEXT, "Labels": LABELS, "Orchestration": Go::Struct(&ORCHESTRATION),
        "Raft": Go::Struct(&RAFT), "Dispatcher": Go::Struct(&DISPATCHER),
        "CAConfig": Go::Struct(&CERTIFICATES), "EncryptionConfig": Go::Struct(&ENCRYPTION),
    }
    ORCHESTRATION = "swarm.OrchestrationConfig" { "TaskHistoryRetentionLimit": INT64 }
    RAFT = "swarm.RaftConfig" {
        "SnapshotInterval": UINT64, "KeepOldSnapshots": UINT64,
        "LogEntriesForSlowFollowers": UINT64, "ElectionTick": INT, "HeartbeatTick": INT,
    }
    DISPATCHER = "swarm.DispatcherConfig" { "HeartbeatPeriod": DURATION }
    CERTIFICATES = "swarm.CAConfig" { "NodeCertExpiry": DURATION }
    ENCRYPTION = "swarm.EncryptionConfig" { "AutoLockManagers": Go::Bool }
    /// `POST /swarm/init`.
    SWARM_INIT = "swarm.InitRequest" {
        "ListenAddr": TEXT, "AdvertiseAddr": TEXT, "DataPathAddr": TEXT, "DataPathPort": UINT32,
        "ForceNewCluster": Go::Bool, "Spec": Go::Struct(&SWARM), "AutoLockManagers": Go::Bool,
        "Availability": Go::Text("swarm.NodeAvailability"), "DefaultAddrPool": TEXTS,
        "SubnetSize": UINT32,
    }
    /// `POST /networks/create`.
    NETWORK = "types.NetworkCreateRequest" {
        "Name": TEXT, "CheckDuplicate": Go::Bool, "Driver": TEXT, "Scope": TEXT,
        "EnableIPv6": Go::Bool, "IPAM": Go::Struct(&IPAM), "Internal": Go::Bool,
        "Attachable": Go::Bool, "Ingress": Go::Bool, "ConfigOnly": Go::Bool, "Options": LABELS,
        "Labels": LABELS,
    }
    IPAM = "network.IPAM" {
        "Driver": TEXT, "Options": LABELS,
        "Config": Go::List("[]network.IPAMConfig", &Go::Struct(&IPAM_RANGE)),
    }
    IPAM_RANGE = "network.IPAMConfig" {
        "Subnet": TEXT, "IPRange": TEXT, "Gateway": TEXT, "AuxiliaryAddresses": LABELS,
    }
}

const NETWORKS: Go = Go::List("[]swarm.NetworkAttachmentConfig", &Go::Struct(&NETWORK_USE));
