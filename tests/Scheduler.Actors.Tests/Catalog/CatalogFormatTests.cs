using System.Text;
using static Scheduler.Actors.Tests.CatalogSamples;

namespace Scheduler.Actors.Tests;

/// <summary>
/// What is stored: manifest and text of each event, pinned. A line here changes only together with a new version of its kind
/// and an upcaster from the old one.
/// </summary>
public sealed class CatalogFormatTests
{
    private const string Who = "\"by\":\"me\",\"at\":\"2026-03-01T12:00:00+00:00\"";
    private const string VolumeText = """{"path":"/dev/v","physical-volumes":[],"size":67108864,"preallocate":false,"cache":"direct","io":"auto","depth":32,"latency-target-ns":10000000,"policy":"fair","name":"v"}""";
    private const string GroupText = """{"physical-volumes":["/dev/vg1","/dev/vg2"],"system-id":"me","size":0,"preallocate":true,"cache":"dsync","io":"io-uring","depth":32,"latency-target-ns":10000000,"policy":"queue-drain","name":"vg"}""";
    private const string GuestText = """{"weight":100,"reservation":0,"limit":0,"flush-latency-ns-max":100000000,"unflushed-bytes-max":268435456,"buffer-memory":67108864,"connections-max":128,"name":"g"}""";
    private const string DiskText = """{"volume":"v","guest":"g","offset":4096,"size":16777216,"ordered":"flush-fua","name":"d"}""";
    private const string LogicalText = """{"volume":"vg","guest":"g","size":0,"logical-volume":"lv","ordered":"flush-fua","name":"d"}""";
    private static readonly string s_token = "{\"role\":\"operator\",\"hash\":\"" + Sha + "\",\"created\":\"2026-03-01T12:00:00+00:00\",\"name\":\"t\"}";
    private const string IdentityText = """{"type":"unix-uid","value":"1000","guest":"g","name":"i"}""";

    private static readonly EventFormat s_format = new(CatalogFormat.Kinds);

    private static readonly (string Manifest, string Text, CatalogEvent Event)[] s_golden =
    [
        ("volume-added/2", Entity(VolumeText), CatalogFormat.Put(Volume(), true, "me", At)),
        ("volume-changed/2", Entity(GroupText), CatalogFormat.Put(
            Group() with { SystemId = "me", Preallocate = true, Cache = Storage.CacheMode.Dsync, Io = Storage.IoMethod.IoUring, Policy = Core.PolicyKind.QueueDrain }, false, "me", At)),
        ("volume-deleted/2", Name("v"), CatalogFormat.Deleted(CatalogKind.Volume, "v", "me", At)),
        ("guest-added/2", Entity(GuestText), CatalogFormat.Put(Guest(), true, "me", At)),
        ("guest-changed/2", Entity(GuestText), CatalogFormat.Put(Guest(), false, "me", At)),
        ("guest-deleted/2", Name("g"), CatalogFormat.Deleted(CatalogKind.Guest, "g", "me", At)),
        ("disk-added/2", Entity(DiskText), CatalogFormat.Put(Disk(offset: 4096), true, "me", At)),
        ("disk-changed/2", Entity(LogicalText), CatalogFormat.Put(Disk(size: 0, volume: "vg") with { LogicalVolume = "lv" }, false, "me", At)),
        ("disk-deleted/2", Name("d"), CatalogFormat.Deleted(CatalogKind.Disk, "d", "me", At)),
        ("token-added/2", Entity(s_token), CatalogFormat.Put(Token(), true, "me", At)),
        ("token-changed/2", Entity(s_token), CatalogFormat.Put(Token(), false, "me", At)),
        ("token-deleted/2", Name("t"), CatalogFormat.Deleted(CatalogKind.Token, "t", "me", At)),
        ("identity-added/2", Entity(IdentityText), CatalogFormat.Put(Identity(), true, "me", At)),
        ("identity-changed/2", Entity(IdentityText), CatalogFormat.Put(Identity(), false, "me", At)),
        ("identity-deleted/2", Name("i"), CatalogFormat.Deleted(CatalogKind.Identity, "i", "me", At)),
    ];

    public static TheoryData<int> Golden => [.. Enumerable.Range(0, s_golden.Length)];

    [Theory]
    [MemberData(nameof(Golden))]
    public void Manifest_and_text_are_pinned_and_read_again(int index)
    {
        (string manifest, string text, CatalogEvent happened) = s_golden[index];
        (string writtenManifest, byte[] written) = s_format.Write(happened);
        Assert.Equal((manifest, Checksum.Added(manifest, text)), (writtenManifest, Encoding.UTF8.GetString(written)));
        IsRead(manifest, written);

        // The first version of each is the same without the checksum.
        IsRead(manifest.Replace("/2", "/1", StringComparison.Ordinal), Encoding.UTF8.GetBytes(text));

        void IsRead(string stored, byte[] bytes)
        {
            CatalogEvent read = (CatalogEvent)s_format.Read(stored, EventFormat.SerializerId, bytes, "it");
            Assert.Equal((happened.GetType(), happened.By, happened.At, happened.Key), (read.GetType(), read.By, read.At, read.Key));
            Assert.True(happened.After is null ? read.After is null : read.After!.IsSame(happened.After));
        }
    }

    [Fact]
    public void Every_kind_is_pinned() =>
        Assert.Equal(s_format.Manifests.Order(), s_golden.Select(golden => golden.Manifest).Append("catalog/2").Order());

    [Fact]
    public void The_snapshot_is_pinned()
    {
        CatalogState state = new SteppedCatalog().With(Guest(), Volume(), Token()).State;
        (string manifest, byte[] text) = s_format.Write(state.ToSnapshot());
        Assert.Equal("catalog/2", manifest);
        string plain = $$"""{"volumes":[{"revision":2,"entity":{{VolumeText}}}],"guests":[{"revision":1,"entity":{{GuestText}}}],"disks":[],"tokens":[{"revision":3,"entity":{{s_token}}}],"identities":[]}""";
        Assert.Equal(Checksum.Added(manifest, plain), Encoding.UTF8.GetString(text));
        IsRead(manifest, text);
        IsRead("catalog/1", Encoding.UTF8.GetBytes(plain));

        void IsRead(string stored, byte[] bytes)
        {
            CatalogState again = CatalogState.From((CatalogSnapshot)s_format.Read(stored, EventFormat.SerializerId, bytes, "it"));
            Assert.Equal(state.Entries.Select(entry => (entry.Revision, entry.Entity.Kind, entry.Entity.Name)), again.Entries.Select(entry => (entry.Revision, entry.Entity.Kind, entry.Entity.Name)));
            Assert.All(state.Entries.Zip(again.Entries), pair => Assert.True(pair.First.Entity.IsSame(pair.Second.Entity)));
        }
    }

    [Fact]
    public void What_is_recovered_out_of_range_is_refused()
    {
        CatalogState state = new SteppedCatalog().With(Guest()).State;
        (string manifest, byte[] text) = s_format.Write(state.ToSnapshot());
        string changed = Checksum.Removed(Encoding.UTF8.GetString(text)).Replace("\"weight\":100", "\"weight\":-10", StringComparison.Ordinal);
        changed = Checksum.Added(manifest, changed);
        CatalogState recovered = CatalogState.From((CatalogSnapshot)s_format.Read(manifest, EventFormat.SerializerId, Encoding.UTF8.GetBytes(changed), "it"));
        Assert.Null(state.Declare([]).Problem);
        Assert.Contains("guest g has weight -10", recovered.Declare([]).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown field", "\"weight\":100", "\"weight\":100,\"colour\":1")]
    [InlineData("missing field", "\"weight\":100,", "")]
    [InlineData("null", "\"name\":\"g\"", "\"name\":null")]
    [InlineData("twice", "\"weight\":100", "\"weight\":100,\"weight\":100")]
    [InlineData("text for a number", "\"weight\":100", "\"weight\":\"100\"")]
    public void Reading_is_strict(string what, string from, string to)
    {
        string text = Entity(GuestText.Replace(from, to, StringComparison.Ordinal));
        Assert.NotEqual(Entity(GuestText), text);
        Exception? refused = Record.Exception(() => s_format.Read("guest-added/1", EventFormat.SerializerId, Encoding.UTF8.GetBytes(text), "it"));
        Assert.True(refused is PersistenceException, what);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("\"Direct\"")]
    [InlineData("\"other\"")]
    public void A_word_is_one_of_its_words(string word)
    {
        string text = Entity(VolumeText.Replace("\"direct\"", word, StringComparison.Ordinal));
        Exception? refused = Record.Exception(() => s_format.Read("volume-added/1", EventFormat.SerializerId, Encoding.UTF8.GetBytes(text), "it"));
        Assert.Equal(word == "\"Direct\"", refused is null);
    }

    private static string Entity(string text) => "{\"entity\":" + text + "," + Who + "}";

    private static string Name(string name) => "{\"name\":\"" + name + "\"," + Who + "}";
}
