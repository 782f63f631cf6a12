from tests.fixtures_gate import gated, kvm  # noqa: F401
from tests.fixtures_runs import begin, host, plans  # noqa: F401
from tests.fixtures_sshd import user_key  # noqa: F401
from tests.fixtures_stand import stand  # noqa: F401
