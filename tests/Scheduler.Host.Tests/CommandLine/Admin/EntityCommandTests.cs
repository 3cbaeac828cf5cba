using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Host.Api.Client;
using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine.Admin;

/// <summary><c>list</c>, <c>show</c>, <c>set</c> and <c>delete</c> of what a service holds.</summary>
public sealed class EntityCommandTests : IAsyncLifetime
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private StandInService _service = null!;

    public static TheoryData<string> Kinds => [.. AllKinds.Select(kind => kind.Name)];

    private static IReadOnlyList<EntityKind> AllKinds => [EntityKind.Volume, EntityKind.Disk, EntityKind.Guest, EntityKind.Identity, EntityKind.Token];

    public async Task InitializeAsync() => _service = await StandInService.StartAsync();

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await _output.DisposeAsync();
        await _error.DisposeAsync();
    }

    [Fact]
    public async Task A_guest_is_made_changed_shown_listed_and_deleted()
    {
        Assert.Equal(0, await Run("guest", "list"));
        Assert.Equal(0, await Run("guest", "set", "web", "--weight", "250", "--flush-latency-max", "1.5ms", "--buffer-memory=64MiB"));
        Assert.Equal(0, await Run("guest", "set", "web", "--limit", "0"));
        Assert.Equal("no guests\nguest web: made, revision 1\nguest web: changed, revision 2\n", Output());

        Assert.Equal(0, await Run("guest", "list"));
        Assert.Matches(
            @"^name +weight +reservation +limit +flush-latency-max +unflushed-max +buffer-memory +connections-max +revision +declared *\n"
            + @"web +250 +- +0 +1500us +- +64MiB +- +2 +false *\n\s*$",
            Output());

        Assert.Equal(0, await Run("guest", "show", "web"));
        Assert.Equal("name               web\nrevision           2\ndeclared           false\nweight             250\nflush-latency-max  1500us\nbuffer-memory      64MiB\nlimit              0\n", Output());

        Assert.Equal(0, await Run("guest", "delete", "web"));
        Assert.Equal("guest web: deleted\n", Output());
        Assert.Equal(0, await Run("identity", "set", "i", "--type", "unix-uid", "--value", "7", "--guest", "web"));
        Assert.Equal(0, await Run("identity", "delete", "i", "--open"));
        Assert.Equal("identity i: made, revision 1\nidentity i: deleted\n", Output());
        Assert.Contains("DELETE /api/v1/identities/i?open=true", _service.Requests);
        Assert.Equal(2, await Run("guest", "delete", "web", "--open"));
        _ = _error.GetStringBuilder().Clear();
        Assert.Empty(_service.Entities["guests"]);
        Assert.Equal("", _error.ToString());
        Assert.Contains("""PUT /api/v1/guests/web  {"weight":250,"flushLatencyNsMax":1500000,"bufferMemory":67108864}""", _service.Requests);
    }

    [Fact]
    public async Task Each_kind_of_field_reaches_the_service_as_the_API_has_it()
    {
        Assert.Equal(0, await Run(
            "volume", "set", "v", "--lvm", "/dev/a", "--lvm", "relative", "--preallocate", "true", "--cache", "buffered", "--io", "io-uring", "--size", "1GiB", "--policy", "queue-drain"));
        string relative = Path.GetFullPath("relative");
        JsonNode body = JsonNode.Parse(_service.Requests.Single().Split("  ")[1])!;
        JsonNode expected = JsonNode.Parse(
            $$"""{"physicalVolumes":["/dev/a","{{relative}}"],"size":1073741824,"preallocate":true,"cache":"buffered","io":"io-uring","policy":"queue-drain"}""")!;
        Assert.True(JsonNode.DeepEquals(expected, body), body.ToJsonString());
    }

    [Fact]
    public async Task What_is_live_is_shown_below_what_was_set()
    {
        _service.Entities["disks"]["d"] = JsonNode.Parse("""{"name":"d","size":4096,"state":{"rings":2,"size":8192},"novel":{"a":[1,2]}}""")!.AsObject();
        Assert.Equal(0, await Run("disk", "show", "d"));
        Assert.Equal("name         d\nsize         4KiB\nstate.rings  2\nstate.size   8192\nnovel.a      1, 2\n", Output());
    }

    [Fact]
    public async Task For_scripts_the_answer_is_the_APIs_own()
    {
        _service.PageMax = 2;
        for (int i = 0; i < 5; i++)
            Assert.Equal(0, await Run("guest", "set", $"g{i}", "--weight", "7", "--json"));
        Assert.StartsWith("""{"name":"g0","revision":1,"declared":false,"weight":7}""", Output(), StringComparison.Ordinal);

        Assert.Equal(0, await Run("guest", "show", "g3", "--json"));
        Assert.Equal(_service.Entities["guests"]["g3"].ToJsonString() + "\n", Output());

        // All parts of the list in one.
        Assert.Equal(0, await Run("guest", "list", "--json"));
        string all = string.Join(',', _service.Entities["guests"].Values.Select(guest => guest.ToJsonString()));
        Assert.Equal($$"""{"items":[{{all}}],"next":null}""" + "\n", Output());
        Assert.Equal(3, _service.Requests.Count(request => request.StartsWith("GET /api/v1/guests?", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_change_is_made_only_to_the_revision_that_was_meant()
    {
        Assert.Equal(0, await Run("guest", "set", "web", "--if-revision", "0"));
        Assert.Equal(1, await Run("guest", "set", "web", "--if-revision", "0"));
        Assert.Equal(1, await Run("guest", "set", "web", "--weight", "9", "--if-revision", "7"));
        Assert.Equal(0, await Run("guest", "set", "web", "--weight", "9", "--if-revision", "1"));
        Assert.Equal(1, await Run("guest", "delete", "web", "--if-revision", "1"));
        Assert.Equal(0, await Run("guest", "delete", "web", "--if-revision", "2"));
        Assert.Equal("web is there already\nweb has revision \"1\"\nweb has revision \"2\"\n", _error.ToString());
    }

    [Fact]
    public async Task A_volume_group_that_goes_on_as_it_was_is_a_failure_with_its_reason()
    {
        Assert.Equal(0, await Run("rescan"));
        Assert.Equal("volume groups: read anew\n", Output());
        _service.Rescan = """{"refused":["vg0: a physical volume is gone","vg1: damaged"]}""";
        Assert.Equal(1, await Run("rescan"));
        Assert.Equal("", Output());
        Assert.Equal(1, await Run("rescan", "--json"));
        Assert.Equal(_service.Rescan + "\n", Output());
        Assert.Equal(string.Concat(Enumerable.Repeat("vg0: a physical volume is gone, vg1: damaged\n", 2)), _error.ToString());
    }

    [Theory]
    [InlineData("there is no x in guests", "guest", "show", "x")]
    [InlineData("there is no x in volumes", "volume", "delete", "x")]
    [InlineData("there is no disk x", "disk", "detach", "x")]
    public async Task What_the_service_refuses_is_one_line_and_exit_code_1(string message, params string[] args)
    {
        Assert.Equal(1, await Run(args));
        Assert.Equal(message + "\n", _error.ToString());
        Assert.Equal("", Output());
    }

    [Theory]
    [InlineData("--weight: 'much' is not a whole number from 0", "guest", "set", "g", "--weight", "much")]
    [InlineData("--weight: '-1' is not a whole number from 0", "guest", "set", "g", "--weight", "-1")]
    [InlineData("--buffer-memory: '4GX' is not a size; write e.g. 4GiB", "guest", "set", "g", "--buffer-memory", "4GX")]
    [InlineData("--flush-latency-max: '5' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms", "guest", "set", "g", "--flush-latency-max", "5")]
    [InlineData("--cache: 'slow' is not one of direct, buffered, dsync", "volume", "set", "v", "--cache", "slow")]
    [InlineData("--preallocate: 'maybe' is neither true nor false", "volume", "set", "v", "--preallocate", "maybe")]
    [InlineData("--path: needs a path", "volume", "set", "v", "--path", "")]
    [InlineData("--if-revision: '0' is not a whole number from 1", "guest", "delete", "g", "--if-revision", "0")]
    [InlineData("NAME: '..' is no name of a guest: up to 63 letters, digits, '.', '_' and '-', a letter or digit first", "guest", "delete", "..")]
    [InlineData("NAME: 'a/b' is no name of a disk: up to 63 letters, digits, '.', '_' and '-', a letter or digit first", "disk", "detach", "a/b")]
    [InlineData("'--size' is neither a command nor an option.", "guest", "set", "g", "--size", "1")]
    public async Task What_is_wrong_in_the_command_line_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        Assert.Equal(2, await Run(args));
        Assert.Equal(message + " See scheduler --help.\n", _error.ToString());
        Assert.Empty(_service.Requests);
    }

    // A field that the catalog gets and this forgets, or that is called otherwise there, is noticed here.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_field_of_the_catalog_can_be_set(string name)
    {
        EntityKind kind = AllKinds.Single(kind => kind.Name == name);
        Type entity = typeof(CatalogEntity).Assembly.GetType($"Scheduler.Actors.Catalog{char.ToUpperInvariant(name[0])}{name[1..]}")!;
        IEnumerable<string> fields = entity.GetProperties()
            .Where(property => property.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true).Length == 0 && property.CanWrite)
            .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name))
            .Except(["name", "hash", "created"]);
        Assert.Equal(fields.Order(), kind.Fields.Select(field => field.Json).Order());
    }

    private string Output()
    {
        string text = _output.ToString();
        _output.GetStringBuilder().Clear();
        return text;
    }

    private Task<int> Run(params string[] args) =>
        SchedulerCommandLine.RunAsync([.. args, "--admin", _service.Url], _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}
