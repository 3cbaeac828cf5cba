using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Actors;

namespace Scheduler.Host.Tests.Api;

/// <summary>Volumes, guests, disks and identities over the admin address.</summary>
public sealed class CatalogApiTests : IAsyncLifetime
{
    private ApiHost _host = null!;

    public async Task InitializeAsync() => _host = await ApiHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_guest_is_made_changed_and_deleted()
    {
        ApiAnswer made = await _host.Send("PUT", "/guests/web", """{"weight":250}""");
        Assert.Equal(201, made.Status);
        Assert.Equal(
            """{"name":"web","revision":1,"declared":false,"weight":250,"reservation":0,"limit":0,"flushLatencyNsMax":100000000,"unflushedBytesMax":268435456,"bufferMemory":67108864,"connectionsMax":128}""",
            made.Text);
        Assert.Equal("\"1\"", made.Tag);
        Assert.Equal(made.Text, (await _host.Send("GET", "/guests/web")).Text);

        // What is left out stays; what changes nothing is no change.
        ApiAnswer changed = await _host.Send("PUT", "/guests/web", """{"name":"web","limit":1000}""");
        Assert.Equal((200, "\"2\""), (changed.Status, changed.Tag));
        Assert.Equal((250, 1000), ((int)changed.Json["weight"]!, (int)changed.Json["limit"]!));
        Assert.Equal("\"2\"", (await _host.Send("PUT", "/guests/web", "{}")).Tag);
        Assert.Contains("The guest web was changed, revision 2, by local", _host.Log.Lines);

        Assert.Equal((204, ""), (await Answer("DELETE", "/guests/web")));
        Assert.Equal("there is no guest web", (await _host.Send("GET", "/guests/web")).Problem(404));
        Assert.Equal("there is no guest web", (await _host.Send("DELETE", "/guests/web")).Problem(404));
    }

    [Fact]
    public async Task A_revision_may_be_demanded()
    {
        Assert.Equal("there is no guest a, and If-Match demands one", (await _host.Send("PUT", "/guests/a", "{}", ("If-Match", "\"1\""))).Problem(412));
        Assert.Equal(201, (await _host.Send("PUT", "/guests/a", "{}", ("If-None-Match", "*"))).Status);
        Assert.Equal("there is a guest a already, of revision 1, and If-None-Match forbids that", (await _host.Send("PUT", "/guests/a", "{}", ("If-None-Match", "*"))).Problem(412));
        Assert.Equal("\"2\"", (await _host.Send("PUT", "/guests/a", """{"weight":2}""", ("If-Match", "\"1\""))).Tag);
        Assert.Equal(
            "guest a has revision 2, which If-Match does not name: look at what has changed, then try again",
            (await _host.Send("PUT", "/guests/a", """{"weight":3}""", ("If-Match", "\"1\""))).Problem(412));
        _ = (await _host.Send("PUT", "/guests/a", """{"weight":3}""", ("If-Match", "W/\"2\""))).Problem(412);
        _ = (await _host.Send("DELETE", "/guests/a", null, ("If-Match", "\"1\""))).Problem(412);
        Assert.Contains("write a revision in quotes", (await _host.Send("DELETE", "/guests/a", null, ("If-Match", "2"))).Problem(400));
        Assert.Equal("\"3\"", (await _host.Send("PUT", "/guests/a", """{"weight":3}""", ("If-Match", "*"))).Tag);
        Assert.Equal(204, (await _host.Send("DELETE", "/guests/a", null, ("If-Match", "\"7\", \"3\""))).Status);
    }

    [Fact]
    public async Task A_change_in_between_is_not_undone()
    {
        _ = await _host.Send("PUT", "/guests/a", """{"weight":1,"limit":1}""");
        _host.Catalog.BeforeChange = async number =>
        {
            if (number == 1)
                _ = await _host.Catalog.CarryAsync(new PutEntity(new CatalogGuest { Name = "a", Weight = 1, Limit = 77 }, "other"));
        };
        JsonNode now = (await _host.Send("PUT", "/guests/a", """{"weight":9}""")).Ok();
        Assert.Equal((9, 77), ((int)now["weight"]!, (int)now["limit"]!));
        Assert.Equal(2, _host.Catalog.Changes);

        // Who named a revision is told instead.
        _host.Catalog.BeforeChange = async number =>
            _ = await _host.Catalog.CarryAsync(new PutEntity(new CatalogGuest { Name = "a", Weight = 1, Limit = number }, "other"));
        _ = (await _host.Send("PUT", "/guests/a", """{"weight":10}""", ("If-Match", "\"3\""))).Problem(412);

        // And nobody tries for ever.
        Assert.Contains("look at what has changed", (await _host.Send("PUT", "/guests/a", """{"weight":10}""")).Problem(412));
    }

    [Fact]
    public async Task Lists_come_in_parts_by_name()
    {
        foreach (string name in (string[])["b", "a", "c"])
            Assert.Equal(201, (await _host.Send("PUT", $"/guests/{name}", "{}")).Status);
        JsonNode first = (await _host.Send("GET", "/guests?limit=2")).Ok();
        Assert.Equal(["a", "b"], NamesOf(first));
        Assert.Equal("b", (string?)first["next"]);
        JsonNode last = (await _host.Send("GET", "/guests?limit=2&after=b")).Ok();
        Assert.Equal(["c", "g"], NamesOf(last));
        Assert.Null(last["next"]);
        Assert.True((bool)last["items"]![1]!["declared"]!);
        Assert.Equal("limit is '0'; it has to be a whole number from 1 to 1000", (await _host.Send("GET", "/guests?limit=0")).Problem(400));
        _ = (await _host.Send("GET", "/guests?limit=1001")).Problem(400);
        _ = (await _host.Send("GET", "/guests?after=%0a")).Problem(400);
    }

    [Fact]
    public async Task What_the_file_declares_stays_and_what_is_used_too()
    {
        Assert.Equal("guest g is declared by the configuration file; change it there", (await _host.Send("PUT", "/guests/g", "{}")).Problem(409));
        _ = (await _host.Send("DELETE", "/disks/d")).Problem(409);
        _ = await _host.Send("PUT", "/guests/a", "{}");
        _ = (await _host.Send("PUT", "/disks/x", """{"volume":"v","guest":"a","size":4096}""")).Ok(201);
        Assert.Equal("guest a is used by disk x", (await _host.Send("DELETE", "/guests/a")).Problem(409));
        _host.Catalog.Attached.Add("x");
        Assert.Contains("clients that are connected", (await _host.Send("DELETE", "/disks/x")).Problem(409));
        Assert.Equal("""{"closed":1}""", (await _host.Send("POST", "/disks/x/detach")).Text);
        Assert.Equal(204, (await _host.Send("DELETE", "/disks/x")).Status);
        _host.Catalog.IsAway = true;
        Assert.Equal("the catalog waits for its journal; try again", (await _host.Send("PUT", "/guests/z", "{}")).Problem(503));
        Assert.Equal("the journal is away", (await _host.Send("GET", "/history")).Problem(503));
    }

    [Theory]
    [InlineData("/guests/a", """{"weight":1""", "the body is not JSON at line 1, byte 12: ")]
    [InlineData("/guests/a", "{\n \"weight\": x}", "the body is not JSON at line 2, byte 12: 'x' is an invalid start of a value")]
    [InlineData("/guests/a", "", "the body is not JSON at line 1, byte 1: ")]
    [InlineData("/guests/a", "null", "the body is null; it has to be an object with name, weight, reservation")]
    [InlineData("/guests/a", "[1]", "the body is [1]; it has to be an object with ")]
    [InlineData("/guests/a", """{"wieght":1}""", "there is no field 'wieght' (line 1, byte ")]
    [InlineData("/guests/a", """{"state":{}}""", "there is no field 'state' (")]
    [InlineData("/guests/a", """{"weight":1,"weight":2}""", "field weight comes twice")]
    [InlineData("/guests/a", """{"weight":"1"}""", "weight is \"1\" (line 1, byte ")]
    [InlineData("/guests/a", """{"weight":1e99}""", "weight is 1e99 (")]
    [InlineData("/guests/a", """{"weight":-5}""", "guest a has weight -5, which is not in 1 to 10000")]
    [InlineData("/guests/a", """{"limit":5,"reservation":6}""", "guest a limit 5 is below the reservation of 6; 0 means no limit")]
    [InlineData("/guests/a", """{"name":"b"}""", "name is 'b', and the address names a; a guest keeps its name")]
    [InlineData("/guests/a", """{"name":"\ud800"}""", "the body has an escape that stands for half a character")]
    [InlineData("/guests/a", """{"\ud800":1}""", "the body has an escape that stands for half a character")]
    [InlineData("/guests/a", """{"weight":1}{}""", "the body is not JSON at line 1, byte 13: ")]
    [InlineData("/volumes/a", """{"path":"/x","size":4096,"cache":"none"}""", "cache is \"none\" (line 1, byte ")]
    [InlineData("/volumes/a", """{"path":"/x","size":4096,"cache":1}""", "cache is 1 (line 1, byte ")]
    [InlineData("/volumes/a", """{"physicalVolumes":"/x"}""", "physicalVolumes is \"/x\" (")]
    [InlineData("/volumes/a", """{"physicalVolumes":[null]}""", "volume a has a path '' that is not an absolute path")]
    [InlineData("/volumes/a", """{"path":"/x\n/y/../z","size":4096}""", "volume a has a path '/x\uFFFD/y/../z' that is not an absolute path")]
    [InlineData("/volumes/a", """{"path":"/x","size":4097}""", "volume a has size 4097, which is not a multiple of 4096")]
    [InlineData("/disks/a", """{"volume":"v","guest":"g","offset":4096,"size":4096}""", "disk a at v 4096+4096 overlaps disk d (declared by the configuration file) at v 0+4194304", 409)]
    [InlineData("/disks/a", """{"volume":"v","guest":"g","offset":4194304,"size":8388608}""", "disk a the disk at v 4194304+8388608 ends beyond volume v of 8388608 bytes")]
    [InlineData("/disks/a", """{"volume":"v","guest":"g","size":8388608}""", "disk a: volume v has no run of 8388608 free bytes; its largest has 4194304", 409)]
    [InlineData("/disks/a", """{"volume":"v","guest":"g","offset":-4096,"size":4096}""", "disk a has offset -4096, which is not in 0 to ")]
    [InlineData("/disks/a", """{"volume":"w","guest":"g","size":4096}""", "disk a lies on volume w, and there is none of that name")]
    [InlineData("/disks/a", """{"size":4096}""", "a new disk needs volume and guest, and on a volume that is no group size")]
    [InlineData("/identities/a", """{"type":"unix-uid","value":"01","guest":"g"}""", "identity a '01' is not a user id: 0 to 4294967295, without leading zeroes")]
    [InlineData("/identities/a", """{"type":"unix-uid"}""", "a new identity needs type, value and guest")]
    [InlineData("/tokens/a", "{}", "a new token needs role")]
    [InlineData("/tokens/a", """{"role":"root"}""", "role is \"root\" (")]
    [InlineData("/guests/a%2fb", "{}", "'a%2fb' is not a name for a guest: up to 63 letters")]
    [InlineData("/guests/..a", "{}", "'..a' is not a name for a guest")]
    [InlineData("/guests/a%0Ab", "{}", "'a\uFFFDb' is not a name for a guest")]
    [InlineData("/guests/a%E2%80%A8b", "{}", "'a\uFFFDb' is not a name for a guest")]
    public async Task A_bad_body_is_told_what_is_wrong(string path, string body, string problem, int status = 400)
    {
        ApiAnswer answer = await _host.Send("PUT", path, body);
        Assert.StartsWith(problem, answer.Problem(status), StringComparison.Ordinal);
        Assert.Equal(3, _host.Catalog.State.Entries.Count());
    }

    [Fact]
    public async Task Deep_nesting_and_bytes_that_are_no_text_are_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 20_000));
        Assert.Contains("not JSON at line 1, byte ", (await _host.Send("PUT", "/guests/a", $"{{\"weight\":{deep}")).Problem(400));
        Assert.Contains("not JSON at line 1, byte ", (await _host.Send("PUT", "/volumes/a", $"{{\"physicalVolumes\":{deep}")).Problem(400));
        using ByteArrayContent bytes = new([(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        Assert.Equal("the body is not UTF-8 at byte 2", (await Put(bytes, "application/json")).Problem(400));
    }

    [Fact]
    public async Task A_body_is_bounded_before_it_is_read()
    {
        using ByteArrayContent large = new(new byte[4 << 20]);
        Assert.Equal("the body is longer than 65536 bytes, the most that is read", (await Put(large, "application/json")).Problem(413));

        // Without a length it is read up to the bound.
        using StreamContent chunked = new(new MemoryStream(new byte[(64 << 10) + 1]));
        _ = (await Put(chunked, "application/json", chunks: true)).Problem(413);
        using StreamContent fits = new(new MemoryStream(Encoding.UTF8.GetBytes("""{"weight":4}""")));
        Assert.Equal(201, (await Put(fits, "application/json", chunks: true)).Status);
        using ByteArrayContent exact = new(Encoding.UTF8.GetBytes("""{"weight":5}""".PadRight(64 << 10)));
        Assert.Equal(200, (await Put(exact, "application/json")).Status);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData(null)]
    public async Task Another_type_of_body_is_refused(string? type)
    {
        using ByteArrayContent body = new(Encoding.UTF8.GetBytes("{}"));
        Assert.Contains("it has to be application/json in UTF-8", (await Put(body, type)).Problem(415));
    }

    [Fact]
    public async Task What_there_is_not_is_a_problem_too()
    {
        Assert.Contains("openapi.json", (await _host.Send("GET", "/nothing")).Problem(404));
        Assert.Contains("POST is not for /api/v1/guests", (await _host.Send("POST", "/guests", "{}")).Problem(405));
        Assert.Equal("there is no disk x", (await _host.Send("POST", "/disks/x/detach")).Problem(404));
        Assert.Equal("there is no ring 5", (await _host.Send("DELETE", "/rings/5")).Problem(404));
        Assert.Equal("to is 'x'; it has to be a whole number from 0 to 9223372036854775807", (await _host.Send("GET", "/history?to=x")).Problem(400));
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_client_that_goes_away_gives_up_what_its_change_waits_for(string method)
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Catalog.Waits = async cancellation =>
        {
            using CancellationTokenRegistration registration = cancellation.Register(gone.SetResult);
            begun.SetResult();
            await gone.Task;
            cancellation.ThrowIfCancellationRequested();
        };
        using CancellationTokenSource client = new();
        using HttpRequestMessage request = new(new HttpMethod(method), "/api/v1/guests/a") { Content = method == "PUT" ? new StringContent("{}", null, "application/json") : null };
        Task<HttpResponseMessage> sent = _host.Http.SendAsync(request, client.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await client.CancelAsync();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        Assert.Null(_host.Catalog.State.Find<CatalogGuest>("a"));
    }

    [Fact]
    public async Task History_has_who_did_what_the_newest_first()
    {
        _ = await _host.Send("PUT", "/guests/a", """{"weight":1}""");
        _ = await _host.Send("PUT", "/guests/a", """{"weight":2}""");
        _ = await _host.Send("DELETE", "/guests/a");
        JsonNode all = (await _host.Send("GET", "/history?limit=2")).Ok();
        Assert.Equal([3L, 2L], all["items"]!.AsArray().Select(item => (long)item!["number"]!));
        Assert.Equal(["deleted", "changed"], all["items"]!.AsArray().Select(item => (string)item!["change"]!));
        Assert.Equal(("guest", "a", "local"), ((string)all["items"]![0]!["kind"]!, (string)all["items"]![0]!["name"]!, (string)all["items"]![0]!["by"]!));
        Assert.Null(all["items"]![0]!["entity"]);
        Assert.Equal(2, (int)all["items"]![1]!["entity"]!["weight"]!);
        Assert.Equal(1, (long)all["next"]!);
        JsonNode rest = (await _host.Send("GET", "/history?to=1")).Ok();
        Assert.Equal("added", (string)Assert.Single(rest["items"]!.AsArray())!["change"]!);
        Assert.Null(rest["next"]);
    }

    private static IEnumerable<string> NamesOf(JsonNode page) => page["items"]!.AsArray().Select(item => (string)item!["name"]!);

    private async Task<(int Status, string Text)> Answer(string method, string path)
    {
        ApiAnswer answer = await _host.Send(method, path);
        return (answer.Status, answer.Text);
    }

    private async Task<ApiAnswer> Put(HttpContent content, string? type, bool chunks = false)
    {
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        using HttpRequestMessage request = new(HttpMethod.Put, "/api/v1/guests/a") { Content = content };
        request.Headers.TransferEncodingChunked = chunks;
        request.Headers.ExpectContinue = true;
        return await ApiAnswer.Of(_host.Http, request);
    }
}
