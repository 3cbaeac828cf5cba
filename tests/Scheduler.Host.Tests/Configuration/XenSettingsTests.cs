using Scheduler.Host.Configuration;
using Scheduler.Xen.Hypervisor;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>The section xen.</summary>
public sealed class XenSettingsTests : IDisposable
{
    private readonly ConfigFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void It_is_off_unless_it_is_wanted()
    {
        Assert.Null(_file.Load().Xen);
        Assert.Equal(new XenSettings("scheduler", null, 1024, 1, "/run/scheduler-xen"), _file.Load("xen.enabled=true").Xen);
        Assert.Equal(
            new XenSettings("vbd", "/dev/xen/xenbus", 7, 16, "/tmp/r"),
            _file.Load("xen.enabled=true", "xen.backend=vbd", "xen.store=/dev/xen/xenbus", "xen.rings-max=7", "xen.queues-max=16", "xen.run-dir=/tmp/r").Xen);
    }

    [Fact]
    public void By_default_a_guest_has_memory_for_the_rings_of_twelve_disks()
    {
        ServiceSettings settings = _file.Load("xen.enabled=true", "guests.g0.weight=100");
        Assert.Equal(12, settings.Guests[0].BufferMemory / (settings.Xen!.QueuesMax * GrantedPages.Reserved));
    }

    [Fact]
    public void A_domain_is_a_name_or_a_uuid() =>
        Assert.Equal(
            ["xen:Web1", "xen:0a1b2c3d-0000-0000-0000-000000000001"],
            _file.Load("guests.g0.domains=[Web1, 0A1B2C3D-0000-0000-0000-000000000001]").Guests[0].Identities);

    [Theory]
    [InlineData("xen.backend=\"a/b\"", "xen.backend: 'a/b' is not a name of up to 63 letters, digits, '_' and '-'")]
    [InlineData("xen.queues-max=17", "xen.queues-max: '17' is not a whole number from 1 to 16")]
    [InlineData("xen.rings-max=0", "xen.rings-max: '0' is not a whole number from 1 to 65536")]
    [InlineData("xen.enabled=perhaps", "xen.enabled: 'perhaps' is neither true nor false")]
    public void A_bad_value_is_one_line_with_its_key(string set, string problem) => Assert.Equal($"--set: scheduler.{problem}", _file.Error(set));
}
