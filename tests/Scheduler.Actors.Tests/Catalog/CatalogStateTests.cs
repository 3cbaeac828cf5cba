using Scheduler.Core;
using static Scheduler.Actors.Tests.CatalogSamples;

namespace Scheduler.Actors.Tests;

/// <summary>What the catalog lets in, and what it refuses.</summary>
public sealed class CatalogStateTests
{
    private readonly SteppedCatalog _catalog = new();

    [Fact]
    public void A_revision_is_the_number_of_the_last_event_and_the_same_content_is_no_event()
    {
        _ = _catalog.With(Guest(), Group(), Volume());
        Assert.Null(_catalog.Put(Guest()));
        Assert.Null(_catalog.Put(Group()));
        Assert.Equal(3, _catalog.Number);
        Assert.Null(_catalog.Put(Guest() with { Weight = 300 }));
        Assert.Equal(4, _catalog.State.Find(CatalogKind.Guest, "g")!.Revision);
        Assert.Equal(2, _catalog.State.Find(CatalogKind.Volume, "vg")!.Revision);
        Assert.Equal(300, _catalog.State.Find<CatalogGuest>("g")!.Weight);
    }

    [Fact]
    public void An_expected_revision_guards_put_and_delete()
    {
        _ = _catalog.With(Guest());
        SteppedCatalog.IsRefused(_catalog.Put(Guest() with { Weight = 1 }, expected: 0), CatalogProblem.RevisionDiffers, "guest g already", "revision 1");
        SteppedCatalog.IsRefused(_catalog.Put(Guest() with { Weight = 1 }, expected: 7), CatalogProblem.RevisionDiffers, "revision 1, not 7");
        SteppedCatalog.IsRefused(_catalog.Put(Guest("h"), expected: 7), CatalogProblem.RevisionDiffers, "no guest h");
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Guest, "g", 2), CatalogProblem.RevisionDiffers);
        Assert.Null(_catalog.Put(Guest() with { Weight = 1 }, expected: 1));
        Assert.Null(_catalog.Delete(CatalogKind.Guest, "g", 2));
        Assert.Null(_catalog.Put(Guest(), expected: 0));
        Assert.Equal(4, _catalog.State.Find(CatalogKind.Guest, "g")!.Revision);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".g")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("g\n")]
    public void A_name_is_that_of_the_configuration(string name)
    {
        SteppedCatalog.IsRefused(_catalog.Put(Guest(name)), CatalogProblem.Invalid, "not a name for a guest");
        Assert.Null(_catalog.Put(Guest(new string('a', 63))));
        SteppedCatalog.IsRefused(_catalog.Put(Guest(new string('a', 64))), CatalogProblem.Invalid);
    }

    public static TheoryData<string> BadEntities => [.. s_bad.Keys];

    private static readonly Dictionary<string, (CatalogEntity Entity, string Word)> s_bad = new()
    {
        ["weight 0"] = (Guest() with { Weight = 0 }, "1 to 10000"),
        ["weight 10001"] = (Guest() with { Weight = 10_001 }, "1 to 10000"),
        ["reservation"] = (Guest() with { Reservation = -1 }, "reservation -1"),
        ["limit"] = (Guest() with { Limit = 1_000_000_001 }, "limit 1000000001"),
        ["limit below reservation"] = (Guest() with { Limit = 5, Reservation = 6 }, "below the reservation"),
        ["flush latency"] = (Guest() with { FlushLatencyNsMax = 60_000_000_001 }, "flush latency"),
        ["unflushed"] = (Guest() with { UnflushedBytesMax = MiB - 1 }, "unflushed"),
        ["buffers"] = (Guest() with { BufferMemory = 32 * MiB }, "buffer memory"),
        ["connections"] = (Guest() with { ConnectionsMax = 0 }, "connections"),
        ["relative path"] = (Volume() with { Path = "data/v" }, "absolute path"),
        ["dotted path"] = (Volume() with { Path = "/data/../v" }, "absolute path"),
        ["no path"] = (Volume() with { Path = null }, "neither a path"),
        ["odd size"] = (Volume(size: MiB + 512), "multiple of 4096"),
        ["no size"] = (Volume(size: 0), "size 0"),
        ["too large"] = (Volume(size: CatalogLimits.SizeMax + 4096), "size"),
        ["depth"] = (Volume() with { Depth = 1025 }, "depth 1025"),
        ["latency target"] = (Volume() with { LatencyTargetNs = 10_000_000_001 }, "latency target"),
        ["system id"] = (Volume() with { SystemId = "me" }, "system id"),
        ["group with path"] = (Group() with { Path = "/dev/x" }, "besides"),
        ["group with size"] = (Group() with { Size = 4096 }, "has the size that it has"),
        ["same physical volume"] = (Group() with { PhysicalVolumes = ["/dev/a", "/dev/a"] }, "twice"),
        ["hash"] = (Token() with { Hash = new string('A', 64) }, "64 hexadecimal digits"),
        ["role"] = (Token() with { Role = (CatalogRole)7 }, "role 7"),
        ["time"] = (Token() with { Created = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(1)) }, "UTC"),
        ["uid"] = (Identity(value: "01"), "user id"),
        ["large uid"] = (Identity(value: "4294967296"), "user id"),
        ["fingerprint"] = (Identity(value: "ab") with { Type = CatalogIdentityType.CertificateFingerprint }, "fingerprint"),
        ["subject"] = (Identity(value: "CN=a\nb") with { Type = CatalogIdentityType.CertificateSubject }, "subject"),
        ["disk size"] = (Disk(offset: 0, size: 0), "size 0"),
        ["disk size odd"] = (Disk(offset: 0, size: 5000), "multiple of 4096"),
        ["disk offset odd"] = (Disk(offset: 512), "multiple of 4096"),
        ["disk offset"] = (Disk(offset: -4096), "offset -4096"),
        ["disk ordered"] = (Disk(offset: 0) with { Ordered = (OrderedMode)8 }, "ordered mode 8"),
        ["disk lv with size"] = (Disk(offset: 0) with { LogicalVolume = "lv" }, "logical volume"),
        ["disk no volume"] = (Disk(volume: "w", offset: 0), "volume w, and there is none"),
        ["disk no guest"] = (Disk(guest: "h"), "guest h, and there is none"),
        ["disk beyond"] = (Disk(offset: 60 * MiB), "ends beyond volume v"),
        ["disk lv on file"] = (Disk(size: 0) with { LogicalVolume = "lv" }, "no volume group"),
        ["disk extent on group"] = (Disk(offset: 0, volume: "vg"), "is a volume group"),
        ["identity no guest"] = (Identity() with { Guest = "h" }, "guest h, and there is none"),
    };

    [Theory]
    [MemberData(nameof(BadEntities))]
    public void What_is_out_of_range_or_does_not_fit_is_refused_with_name_value_and_range(string which)
    {
        _ = _catalog.With(Guest("other"), Volume("v"), Group("vg"));
        if (which != "identity no guest")
            _ = _catalog.With(Guest());
        (CatalogEntity entity, string word) = s_bad[which];
        CatalogState before = _catalog.State;
        _catalog.IsRefused(entity, CatalogProblem.Invalid, word, entity.Name);
        Assert.Same(before, _catalog.State);
    }

    [Fact]
    public void Nothing_is_there_twice_paths_secrets_identities_logical_volumes()
    {
        _ = _catalog.With(Guest(), Volume(), Group(), Token(), Identity(), Disk("l", size: 0, volume: "vg") with { LogicalVolume = "lv" });
        _catalog.IsRefused(Volume("w") with { Path = "/dev/v" }, CatalogProblem.InUse, "/dev/v", "volume v");
        _catalog.IsRefused(Volume("w") with { Path = "/dev/vg2" }, CatalogProblem.InUse, "/dev/vg2", "volume vg");
        _catalog.IsRefused(Token("u"), CatalogProblem.InUse, "token t");
        _catalog.IsRefused(Identity("j"), CatalogProblem.InUse, "identity i");
        _catalog.IsRefused(Disk("m", size: 0, volume: "vg") with { LogicalVolume = "lv" }, CatalogProblem.InUse, "disk l");
    }

    [Fact]
    public void Disks_of_a_volume_do_not_overlap()
    {
        _ = _catalog.With(Guest(), Volume(), Volume("w"), Disk("a", 16 * MiB));
        _catalog.IsRefused(Disk("b", 0, 16 * MiB + 4096), CatalogProblem.InUse, "overlaps disk a");
        _catalog.IsRefused(Disk("b", 32 * MiB - 4096), CatalogProblem.InUse, "overlaps disk a");
        _catalog.IsRefused(Disk("b", 20 * MiB, MiB), CatalogProblem.InUse, "overlaps disk a");
        _ = _catalog.With(Disk("b", 0), Disk("c", 32 * MiB), Disk("e", 16 * MiB, volume: "w"));
    }

    [Fact]
    public void A_disk_without_an_offset_gets_the_first_run_that_is_large_enough()
    {
        _ = _catalog.With(Guest(), Volume(), Disk("a", 0, 4 * MiB), Disk("b", 8 * MiB, 8 * MiB), Disk("c", 48 * MiB, 8 * MiB));
        Assert.Equal([4 * MiB, 16 * MiB, 56 * MiB], new[] { 4 * MiB, 32 * MiB, 8 * MiB }.Select((size, i) =>
        {
            _ = _catalog.With(Disk("n" + i, size: size));
            return _catalog.State.Find<CatalogDisk>("n" + i)!.Offset;
        }));
        _catalog.IsRefused(Disk("x", size: 4096), CatalogProblem.Full, "no run of 4096 free bytes", "largest has 0");
        Assert.Null(_catalog.Delete(CatalogKind.Disk, "b"));
        _catalog.IsRefused(Disk("x", size: 8 * MiB + 4096), CatalogProblem.Full, $"largest has {8 * MiB}");
        Assert.Null(_catalog.Put(Disk("x", size: MiB)));
        Assert.Equal(8 * MiB, _catalog.State.Find<CatalogDisk>("x")!.Offset);
    }

    [Fact]
    public void A_disk_stays_in_place_and_only_grows_while_it_has_clients()
    {
        _ = _catalog.With(Guest(), Guest("h"), Volume(), Volume("w"), Disk("a", 0), Disk("b", 32 * MiB));
        long number = _catalog.Number;
        Assert.Null(_catalog.Put(Disk("a")));
        Assert.Equal(number, _catalog.Number);
        _ = _catalog.Attached.Add("a");
        _catalog.IsRefused(Disk("a", size: 8 * MiB), CatalogProblem.InUse, "only grow");
        _catalog.IsRefused(Disk("a", guest: "h"), CatalogProblem.InUse, "only grow");
        _catalog.IsRefused(Disk("a", 4096), CatalogProblem.InUse, "another place");
        _catalog.IsRefused(Disk("a", volume: "w"), CatalogProblem.InUse, "another place");
        _catalog.IsRefused(Disk("a", size: 32 * MiB + 4096), CatalogProblem.InUse, "overlaps disk b");
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Disk, "a"), CatalogProblem.InUse, "clients");
        Assert.Null(_catalog.Put(Disk("a", size: 32 * MiB)));
        _catalog.Attached.Clear();
        Assert.Null(_catalog.Put(Disk("a", size: MiB, guest: "h")));
        _catalog.IsRefused(Disk("a", 4096, guest: "h"), CatalogProblem.InUse, "another place");
        Assert.Equal((0, MiB, "h"), (_catalog.State.Find<CatalogDisk>("a")!.Offset, _catalog.State.Find<CatalogDisk>("a")!.Size, _catalog.State.Find<CatalogDisk>("a")!.Guest));
    }

    [Fact]
    public void What_is_referred_to_is_not_deleted_and_a_volume_keeps_its_disks_within_it()
    {
        _ = _catalog.With(Guest(), Volume(), Disk("a"), Disk("b"), Identity());
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Guest, "g"), CatalogProblem.InUse, "disk a, disk b, identity i");
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Volume, "v"), CatalogProblem.InUse, "disk a, disk b");
        _catalog.IsRefused(Volume(size: 32 * MiB - 4096), CatalogProblem.InUse, "disk b");
        _catalog.IsRefused(Volume() with { Path = "/dev/w" }, CatalogProblem.InUse, "/dev/v", "disk a, disk b");
        Assert.Null(_catalog.Put(Volume(size: 32 * MiB) with { Depth = 8 }));
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Volume, "x"), CatalogProblem.NotFound, "no volume x");
        foreach ((CatalogKind kind, string name) in new[] { (CatalogKind.Identity, "i"), (CatalogKind.Disk, "a"), (CatalogKind.Disk, "b"), (CatalogKind.Guest, "g"), (CatalogKind.Volume, "v") })
            Assert.Null(_catalog.Delete(kind, name));
        Assert.Empty(_catalog.State.Entries);
    }

    [Fact]
    public void A_volume_group_with_disks_gains_physical_volumes_and_loses_none()
    {
        _ = _catalog.With(Guest(), Group(), Disk("l", size: 0, volume: "vg") with { LogicalVolume = "lv" });
        Assert.Null(_catalog.Put(Group() with { PhysicalVolumes = ["/dev/vg0", "/dev/vg1", "/dev/vg2"] }));
        _catalog.IsRefused(Group() with { PhysicalVolumes = ["/dev/vg0", "/dev/vg2"] }, CatalogProblem.InUse, "/dev/vg1", "disk l");
        _catalog.IsRefused(Volume("vg"), CatalogProblem.InUse, "disk l");
        _catalog.IsRefused(Group("other") with { PhysicalVolumes = [null!] }, CatalogProblem.Invalid, "absolute path");
    }

    [Fact]
    public void A_tokens_secret_does_not_change()
    {
        _ = _catalog.With(Token());
        _catalog.IsRefused(Token() with { Hash = new string('b', 64) }, CatalogProblem.InUse, "secret");
        Assert.Null(_catalog.Put(Token() with { Role = CatalogRole.Viewer }));
    }

    [Fact]
    public void What_the_file_declares_is_used_but_not_changed_made_again_or_deleted()
    {
        _catalog.Declare(Guest(), Volume() with { Path = null }, Disk("a", 0));
        _ = _catalog.With(Disk("b"));
        Assert.Equal(16 * MiB, _catalog.State.Find<CatalogDisk>("b")!.Offset);
        _catalog.IsRefused(Guest() with { Weight = 5 }, CatalogProblem.Declared, "guest g is declared by the configuration file");
        _catalog.IsRefused(Guest(), CatalogProblem.Declared);
        SteppedCatalog.IsRefused(_catalog.Delete(CatalogKind.Disk, "a"), CatalogProblem.Declared, "disk a");
        Assert.Equal(["b"], _catalog.State.ToSnapshot().Disks.Select(disk => disk.Entity.Name));
        Assert.Empty(_catalog.State.ToSnapshot().Guests);
    }

    [Fact]
    public void At_start_file_and_journal_have_to_fit_together()
    {
        _ = _catalog.With(Guest(), Volume(), Disk("a", 0));
        Conflicts([Guest()], "guest g (declared by the configuration file)", "guest g (of the journal)", "same name");
        Conflicts([Disk("b", 8 * MiB)], "disk b (declared by the configuration file)", "overlaps", "disk a (of the journal)");
        Conflicts([Volume("w") with { Path = "/dev/v" }], "volume w (declared by the configuration file)", "volume v (of the journal)", "/dev/v");
        Conflicts([Disk("b", 16 * MiB, guest: "h")], "guest h, and there is none");

        SteppedCatalog onDeclared = new();
        onDeclared.Declare(Guest(), Volume());
        _ = onDeclared.With(Disk("a", 0));
        CatalogState journal = CatalogState.From(onDeclared.State.ToSnapshot());
        Assert.Contains("disk a (of the journal) lies on volume v, and there is none", journal.Declare([Guest()]).Problem, StringComparison.Ordinal);
        Assert.Contains("volume v (declared by the configuration file) does not fit disk a (of the journal)", journal.Declare([Guest(), Volume(size: 4096)]).Problem, StringComparison.Ordinal);
        Assert.Null(journal.Declare([Guest(), Volume()]).Problem);

        void Conflicts(CatalogEntity[] declared, params string[] words)
        {
            (CatalogState? state, string? problem) = _catalog.State.Declare(declared);
            Assert.Null(state);
            Assert.All(words, word => Assert.Contains(word, problem, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_catalog_is_bounded()
    {
        for (int i = 0; i < CatalogLimits.EntriesMax; i++)
            Assert.Null(_catalog.Put(Guest("g" + i)));
        _catalog.IsRefused(Guest("more"), CatalogProblem.Full, "at most 4096 guests");
        Assert.Null(_catalog.Put(Guest("g7") with { Weight = 5 }));
    }

    [Fact]
    public void A_snapshot_gives_the_same_catalog()
    {
        _ = _catalog.With(Guest(), Volume(), Group(), Disk("a"), Token(), Identity());
        CatalogState again = CatalogState.From(_catalog.State.ToSnapshot());
        Assert.Equal(_catalog.State.Entries, again.Entries);
    }

    [Fact]
    public void Random_commands_keep_every_rule_and_replay_gives_the_same()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            Random random = new(seed);
            SteppedCatalog catalog = new();
            CatalogState replayed = CatalogState.Empty;
            for (int i = 0; i < 400; i++)
            {
                CatalogState before = catalog.State;
                CatalogCommand command = Any(random);
                (CatalogEvent? happened, _) = before.Decide(command, At, _ => false);
                _ = catalog.Do(command);
                if (happened is not null)
                    replayed = replayed.Apply(happened, catalog.Number);

                // Everything that is there still fits, asked as at a start.
                Assert.True(catalog.State.Declare([]).Problem is null, $"seed {seed}, command {i}: {catalog.State.Declare([]).Problem}");
            }

            Assert.Equal(catalog.State.Entries, replayed.Entries);
            Assert.NotEmpty(catalog.State.All<CatalogDisk>());
        }
    }

    private static CatalogCommand Any(Random random)
    {
        string name = "n" + random.Next(6);
        string volume = "n" + random.Next(3);
        string guest = "n" + random.Next(3);
        return random.Next(10) switch
        {
            0 => new PutEntity(Guest(name) with { Weight = random.Next(1, 5) }, "me"),
            1 => new PutEntity(Volume(name, random.Next(1, 40) * 4096), "me"),
            2 => new DeleteEntity((CatalogKind)random.Next(3), name, "me"),
            3 => new PutEntity(Identity(name, "" + random.Next(5)) with { Guest = guest }, "me"),
            4 => new DeleteEntity(CatalogKind.Identity, name, "me"),
            _ => new PutEntity(Disk(name, random.Next(2) == 0 ? null : random.Next(30) * 4096, random.Next(1, 12) * 4096, volume, guest), "me"),
        };
    }
}
