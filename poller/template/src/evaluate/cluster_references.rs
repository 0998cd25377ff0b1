//! References to clusters of MSK: what stands for the ARN of a cluster that the template makes, whose end only AWS knows.

use super::context::{Context, Reported};
use super::resource::Resource;

/// The kinds of clusters.
pub(crate) const CLUSTERS: [&str; 2] = ["AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster"];

/// The cluster of a name, whatever UUID AWS gives it.
const ANY_CLUSTER_ARN: &str = "arn:{partition}:kafka:{region}:{account}:cluster/{name}/*";

impl<'t> Context<'t> {
    /// What stands for the ARN of a cluster, which `Ref` and the attribute `Arn` give; `None` where nothing does. Only where a
    /// mapping reads from does it have a value: the brokers of such a cluster are told otherwise.
    pub(crate) fn arn_of_cluster(&mut self, resource: &'t Resource) -> Result<Option<String>, Reported> {
        if !self.is_source || !CLUSTERS.contains(&resource.kind.as_str()) {
            return Ok(None);
        }
        let name = match resource.properties.get("ClusterName") {
            Some(name) => self.evaluate_text(name, "a name")?,
            None => resource.id.clone(),
        };
        Ok(Some(self.fill(ANY_CLUSTER_ARN, &name)))
    }
}
