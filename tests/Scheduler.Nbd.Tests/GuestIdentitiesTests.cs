using Scheduler.Nbd.Access;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Server;

namespace Scheduler.Nbd.Tests;

/// <summary>Who sees which disks.</summary>
public class GuestIdentitiesTests
{
    private const string Print = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private static readonly GuestIdentities s_nobody = new(new Dictionary<string, string>());
    private static readonly GuestIdentities s_guests = new(new Dictionary<string, string>
    {
        ["CN=web"] = "web",
        ["CN=db"] = "db",
        ["sha256:" + Print] = "db",
        ["uid:1001"] = "web",
        ["uid:0"] = "root",
        ["xen:web1"] = "web",
        ["xen:0a1b2c3d-0000-0000-0000-000000000001"] = "db",
    });

    [Theory]
    [InlineData("web1", "0a1b2c3d-0000-0000-0000-000000000002", "web")]
    [InlineData("web1", "0a1b2c3d-0000-0000-0000-000000000001", "db")]
    [InlineData("web2", "0a1b2c3d-0000-0000-0000-000000000002", null)]
    [InlineData("", "", null)]
    public void A_xen_domain_is_the_guest_of_its_uuid_else_of_its_name(string name, string uuid, string? guest)
    {
        PeerIdentity peer = new(null, null) { Domain = new PeerDomain(name, uuid) };
        Assert.Equal(guest is null ? Sight.None : Sight.Of(guest), s_guests.SightOf(peer));
        Assert.Equal(Sight.All, s_nobody.SightOf(peer));
    }

    [Theory]

    // No identities at all: all, whoever it is.
    [InlineData(false, null, null, null, "*")]
    [InlineData(false, "web", "", 1001u, "*")]

    // Nothing shown.
    [InlineData(true, null, null, null, null)]

    // By name.
    [InlineData(true, "web", "", null, "web")]
    [InlineData(true, "db", "", null, "db")]
    [InlineData(true, "Web", "", null, null)]
    [InlineData(true, "web ", "", null, null)]
    [InlineData(true, "other", "", null, null)]

    // A certificate without one name.
    [InlineData(true, null, "", null, null)]

    // What is written of other kinds of identity is no name.
    [InlineData(true, "sha256:" + Print, "", null, null)]
    [InlineData(true, "CN=web", "", null, null)]

    // By digits, before the name.
    [InlineData(true, null, Print, null, "db")]
    [InlineData(true, "other", Print, null, "db")]
    [InlineData(true, "web", Print, null, "db")]

    // By user, over a Unix socket.
    [InlineData(true, null, null, 1001u, "web")]
    [InlineData(true, null, null, 0u, "root")]
    [InlineData(true, null, null, 1002u, null)]

    // A certificate counts before the user, also if it is nobody's.
    [InlineData(true, "db", "", 1001u, "db")]
    [InlineData(true, "other", "", 1001u, null)]
    public void Rules(bool identities, string? name, string? print, uint? user, string? guest)
    {
        PeerCertificate? certificate = print is null ? null : new(name, print, "");
        Sight sight = (identities ? s_guests : s_nobody).SightOf(new PeerIdentity(certificate, user));
        Assert.Equal(guest switch { "*" => Sight.All, null => Sight.None, _ => Sight.Of(guest) }, sight);
    }

    [Fact]
    public void Where_clients_need_an_identity_and_no_guest_has_one_nobody_sees_a_disk() =>
        Assert.Equal(Sight.None, new GuestIdentities(new Dictionary<string, string>(), isRequired: true).SightOf(new PeerIdentity(new PeerCertificate("web", Print, ""), 0)));

    [Fact]
    public void What_a_client_was_told_of_is_found_as_it_was_told_while_it_is_the_same_disk()
    {
        NbdExport disk = Export("a", "g0");
        NbdExports exports = new([disk]);
        NbdExport grown = disk with { Info = new ExportInfo("a", 2 << 20) };
        exports.Replace([grown]);
        Assert.Equal(1 << 20, exports.Find(disk.Info)!.Info.Size);
        Assert.Equal(2 << 20, exports.Find(grown.Info)!.Info.Size);

        exports.Replace([grown with { Info = new ExportInfo("a", 2 << 20), Life = new object() }]);
        Assert.Null(exports.Find(disk.Info));
        Assert.Null(exports.Find(grown.Info));
        exports.Replace([]);
        Assert.Null(exports.Find(disk.Info));
    }

    [Fact]
    public void A_guest_sees_its_own_disks_alone_and_the_first_of_them_is_its_default()
    {
        NbdExports exports = new([Export("a", "g0"), Export("b", "g1"), Export("c", "g1", available: false)]);

        Assert.Equal(["a", "b", "c"], List(exports, Sight.All));
        Assert.Equal(["a"], List(exports, Sight.Of("g0")));
        Assert.Equal(["b", "c"], List(exports, Sight.Of("g1")));
        Assert.Empty(List(exports, Sight.Of("g2")));
        Assert.Empty(List(exports, Sight.None));

        Assert.Equal("a", Found(exports, Sight.All, ""));
        Assert.Equal("a", Found(exports, Sight.Of("g0"), ""));
        Assert.Equal("b", Found(exports, Sight.Of("g1"), ""));
        Assert.Equal("b", Found(exports, Sight.Of("g1"), "b"));
        Assert.Equal("Unknown", Found(exports, Sight.Of("g2"), ""));
        Assert.Equal("Unknown", Found(exports, Sight.None, "a"));

        // Another's is as if it were not there, available or not.
        Assert.Equal("Unknown", Found(exports, Sight.Of("g0"), "b"));
        Assert.Equal("Unknown", Found(exports, Sight.Of("g0"), "c"));
        Assert.Equal("Unavailable", Found(exports, Sight.Of("g1"), "c"));

        // What is served may change.
        IExportDirectory view = exports.SeenBy(() => Sight.Of("g0"));
        exports.Replace([Export("b", "g1"), Export("d", "g0")]);
        Assert.True(view.TryList(out IReadOnlyList<ExportInfo>? infos));
        Assert.Equal("d", Assert.Single(infos).Name);

        exports.Stopping = true;
        Assert.False(view.TryList(out _));
        Assert.Equal("Unknown", Found(exports, Sight.Of("g0"), "b"));
        Assert.Equal("Unavailable", Found(exports, Sight.Of("g0"), "d"));
    }

    private static string[] List(NbdExports exports, Sight sight)
    {
        Assert.True(exports.SeenBy(() => sight).TryList(out IReadOnlyList<ExportInfo>? infos));
        return [.. infos.Select(info => info.Name)];
    }

    private static string Found(NbdExports exports, Sight sight, string name)
    {
        ExportLookup lookup = exports.SeenBy(() => sight).Find(name, out ExportInfo? info);
        return info?.Name ?? lookup.ToString();
    }

    private static NbdExport Export(string name, string guest, bool available = true) => new()
    {
        Info = new ExportInfo(name, 1 << 20),
        Volume = "v",
        Disk = name,
        Loop = null!,
        Guest = new ServedGuest(guest, new GuestBuffers(64 << 20), 4),
        Credits = 1,
        StartRing = null!,
        Life = name,
        IsAvailable = () => available,
    };
}
