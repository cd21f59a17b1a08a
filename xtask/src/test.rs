#[derive(Debug, clap::Args)]
pub(crate) struct Test {}
pub(crate) fn run(_: &Test) -> crate::Result {
    Ok(())
}
