using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Scheduler.Xen.Store;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>Calls to a xenstore, and one that does not keep to its protocol.</summary>
public sealed class StoreClientTests : IDisposable
{
    private readonly TestStore _store = new();
    private readonly List<(string Path, string Watch)> _happened = [];
    private readonly StoreClient _client;

    public StoreClientTests() => _client = StoreClient.Connect(_store.Path, (path, watch) => _happened.Add((path, watch)));

    public void Dispose()
    {
        _client.Dispose();
        _store.Dispose();
    }

    [Fact]
    public void Nodes_are_written_read_listed_and_removed()
    {
        Assert.Null(_client.Read("a/b"));
        _client.Write("a/b", "value");
        _client.Write("a/empty", "");
        Assert.Equal(("value", ""), (_client.Read("a/b"), _client.Read("/local/domain/0/a/empty")));
        Assert.Equal(["b", "empty"], _client.List("a"));
        Assert.Empty(_client.List("nothing"));
        _client.Remove("a");
        _client.Remove("a");
        Assert.Null(_client.Read("a/b"));
    }

    [Fact]
    public void What_is_too_long_is_refused_here()
    {
        _client.Write("a", new string('x', 4094));
        Assert.Equal(4094, _client.Read("a")!.Length);
        Assert.Throws<StoreRefusedException>(() => _client.Write("a", new string('x', 4095)));
        Assert.Equal(4094, _client.Read("a")!.Length);
    }

    [Fact]
    public void A_list_that_does_not_fit_comes_in_parts_and_anew_if_it_changes()
    {
        _store.ListMax = 10;
        for (int i = 0; i < 50; i++)
            _store[$"many/{i:00}"] = "";
        int parts = 0;
        _store.Before = (type, _) =>
        {
            if (type == 22 && ++parts == 3)
                _store["many/50"] = "";
        };
        Assert.Equal(Enumerable.Range(0, 51).Select(i => $"{i:00}"), _client.List("many"));
    }

    [Fact]
    public void Changes_are_told_during_calls_and_afterwards()
    {
        _client.Watch("w", "name");
        _store["w/x"] = "1";
        _ = _client.Read("w/x");
        Assert.Equal([("w", "name"), ("w/x", "name")], _happened.Distinct());
        _happened.Clear();
        _store["w"] = null;
        SpinWait.SpinUntil(() => { _client.Receive(); return _happened.Count > 0; }, 10_000);
        Assert.Equal([("w", "name")], _happened);
        _client.Unwatch("w", "name");
        _store["w/x"] = "2";
        _ = _client.Read("w/x");
        Assert.Single(_happened);
    }

    [Fact]
    public void An_update_is_whole_and_makes_nothing_that_was_removed()
    {
        Assert.False(_client.Update("device", "state", [("state", "2"), ("x", "y")]));
        Assert.Null(_store["device/state"]);
        _store["device/state"] = "1";
        int writes = 0;
        _store.Before = (type, _) =>
        {
            // Somebody else writes, twice, while it is at it.
            if (type == 11 && ++writes is 1 or 3)
                _store["elsewhere"] = $"{writes}";
        };
        Assert.True(_client.Update("device", "state", [("x", "y"), ("state", "2")]));
        Assert.Equal(("y", "2", 6), (_store["device/x"], _store["device/state"], writes));

        // The toolstack removes it meanwhile.
        _store.Before = (type, _) =>
        {
            if (type == 11)
                _store["device"] = null;
        };
        Assert.False(_client.Update("device", "state", [("state", "4")]));
        Assert.Null(_store["device/state"]);
    }

    [Fact]
    public void Only_what_has_nothing_below_it_is_removed_as_empty()
    {
        _client.RemoveEmpty("nothing");
        _client.Write("a/b/c", "");
        _client.RemoveEmpty("a/b");
        Assert.Equal("", _client.Read("a/b/c"));
        _client.Remove("a/b/c");

        // Somebody writes below it meanwhile.
        _store.Before = (type, path) =>
        {
            if (type == 13 && path == "a/b")
                _store["a/b/d"] = "";
        };
        _client.RemoveEmpty("a/b");
        Assert.Equal(["d"], _client.List("a/b"));
        _store["a/b/d"] = null;
        _store.Before = (_, _) => { };
        _client.RemoveEmpty("a/b");
        Assert.Empty(_client.List("a"));
        _store.Refuse = (type, _) => type == 13 ? "EACCES" : null;
        _client.RemoveEmpty("a");
        Assert.Equal("", _client.Read("a"));
    }

    [Fact]
    public void Without_a_xenstore_it_is_named()
    {
        StoreException wrong = Assert.Throws<StoreException>(() => StoreClient.Connect("/nowhere/socket", (_, _) => { }));
        Assert.Contains("/nowhere/socket", wrong.Message, StringComparison.Ordinal);
        wrong = Assert.Throws<StoreException>(() => StoreClient.Connect("/dev/nowhere", (_, _) => { }));
        Assert.Contains("/dev/nowhere", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("longer than", 2u, 1u, 5000u)]
    [InlineData("longer than", 2u, 1u, uint.MaxValue)]
    [InlineData("answers", 2u, 7u, 0u)]
    [InlineData("answers", 99u, 1u, 0u)]
    [InlineData("without a path", 15u, 0u, 3u)]
    [InlineData("closed the connection", 2u, 1u, 4096u)]
    public void One_that_breaks_the_protocol_is_given_up(string problem, uint type, uint request, uint length)
    {
        string path = Path.Combine(Path.GetTempPath(), $"scheduler-test-{Guid.NewGuid():N}");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using StoreClient client = StoreClient.Connect(path, (_, _) => { });
        using (Socket other = listener.Accept())
        {
            byte[] message = new byte[16 + 100];
            BinaryPrimitives.WriteUInt32LittleEndian(message, type);
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), request);
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), length);
            Encoding.ASCII.GetBytes("abc").CopyTo(message, 16);
            _ = other.Send(message.AsSpan(0, 16 + (int)Math.Min(length, 100)));
            other.Shutdown(SocketShutdown.Send);
            Assert.Contains(problem, Assert.Throws<StoreException>(() => client.Read("x")).Message, StringComparison.Ordinal);
        }

        File.Delete(path);
    }
}
