//! The places of texts that a snapshot keeps.
//!
//! A list of what to leave out would let through what a newer daemon adds. So it is the other way
//! round: a text stays only if its place is here. Lists count as their elements. Numbers and
//! booleans stay everywhere; keys stay, so that the shape can be seen. What the daemon says of tasks
//! and updates may hold anything: of that the known phrases stay ([`PHRASED`]).

/// `GET /nodes`.
pub(super) const NODE: &[&str] = &[
    "ID",
    "CreatedAt",
    "UpdatedAt",
    "Spec.Name",
    "Spec.Role",
    "Spec.Availability",
    "Description.Hostname",
    "Description.Platform.Architecture",
    "Description.Platform.OS",
    "Description.Resources.GenericResources.DiscreteResourceSpec.Kind",
    "Description.Resources.GenericResources.NamedResourceSpec.Kind",
    "Description.Engine.EngineVersion",
    "Description.Engine.Plugins.Type",
    "Description.Engine.Plugins.Name",
    "Status.State",
    "ManagerStatus.Reachability",
];

/// `GET /secrets` and `GET /configs`.
pub(super) const OBJECT: &[&str] =
    &["ID", "CreatedAt", "UpdatedAt", "Spec.Name", "Spec.Driver.Name", "Spec.Templating.Name"];

/// `GET /networks`.
pub(super) const NETWORK: &[&str] =
    &["Id", "Name", "Created", "Scope", "Driver", "IPAM.Driver", "ConfigFrom.Network"];

/// `GET /services`; `PreviousSpec` counts as `Spec`, and `Spec.TaskTemplate` as [`TASK_SPEC`].
pub(super) const SERVICE: &[&str] = &[
    "ID",
    "CreatedAt",
    "UpdatedAt",
    "Spec.Name",
    "Spec.UpdateConfig.FailureAction",
    "Spec.UpdateConfig.Order",
    "Spec.RollbackConfig.FailureAction",
    "Spec.RollbackConfig.Order",
    "Spec.Networks.Target",
    "Spec.EndpointSpec.Mode",
    "Spec.EndpointSpec.Ports.Protocol",
    "Spec.EndpointSpec.Ports.PublishMode",
    "UpdateStatus.State",
    "UpdateStatus.StartedAt",
    "UpdateStatus.CompletedAt",
    "JobStatus.LastExecution",
];

/// `GET /tasks`; `Spec` counts as [`TASK_SPEC`].
pub(super) const TASK: &[&str] = &[
    "ID",
    "CreatedAt",
    "UpdatedAt",
    "ServiceID",
    "NodeID",
    "DesiredState",
    "Status.State",
    "Status.Timestamp",
];

/// The spec of a task, in a service and in a task.
pub(super) const TASK_SPEC: &[&str] = &[
    "Runtime",
    "ContainerSpec.Image",
    "ContainerSpec.Isolation",
    "ContainerSpec.User",
    "ContainerSpec.Healthcheck.Test",
    "ContainerSpec.Mounts.Type",
    "ContainerSpec.Mounts.Source",
    "ContainerSpec.Mounts.Target",
    "ContainerSpec.Mounts.Consistency",
    "ContainerSpec.Mounts.VolumeOptions.DriverConfig.Name",
    "ContainerSpec.Secrets.SecretID",
    "ContainerSpec.Secrets.SecretName",
    "ContainerSpec.Secrets.File.Name",
    "ContainerSpec.Secrets.File.UID",
    "ContainerSpec.Secrets.File.GID",
    "ContainerSpec.Configs.ConfigID",
    "ContainerSpec.Configs.ConfigName",
    "ContainerSpec.Configs.File.Name",
    "ContainerSpec.Configs.File.UID",
    "ContainerSpec.Configs.File.GID",
    "ContainerSpec.Privileges.CredentialSpec.Config",
    "Networks.Target",
    "RestartPolicy.Condition",
    "LogDriver.Name",
    "Placement.Constraints",
    "Placement.Preferences.Spread.SpreadDescriptor",
    "Placement.Platforms.Architecture",
    "Placement.Platforms.OS",
    "Resources.Reservations.GenericResources.DiscreteResourceSpec.Kind",
    "Resources.Reservations.GenericResources.NamedResourceSpec.Kind",
];

/// Keys that are left out with all that is under them, in whatever object: what they hold is either
/// nobody's business or the content of a config, and no rehearsal asks for its shape.
pub(super) const LEFT_OUT: &[&str] =
    &["Data", "TLSInfo", "Addr", "Endpoint", "NetworksAttachments", "Containers", "Peers"];

/// Texts of which the phrases that are Docker's own stay.
pub(super) const PHRASED: &[&str] = &["Status.Message", "Status.Err", "UpdateStatus.Message"];
